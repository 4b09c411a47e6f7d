"""Make `stocks.parquet`: daily bars of AAPL, FB, GOOG, IBM and MSFT until 2013-03-01.

    python -m venv data && data/bin/pip install "bokeh-sampledata==2026.1" pyarrow
    data/bin/python tests/golden/make_stocks.py

Source: WIKI Prices of Quandl, as the bokeh-sampledata package carries them. Their publisher put them in the public
domain and allows copies. Prices and volumes are as traded: a split is a gap, of which AAPL has two and MSFT one.
`adjusted` is the close with splits and dividends taken out. FB is listed in May 2012, GOOG in August 2004.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from bokeh_sampledata import package_csv

if __name__ == "__main__":
    frame = package_csv("stocks.csv.gz", parse_dates=["Date"]).rename(columns={"Adj Close": "adjusted"})
    frame.columns = [name.lower() for name in frame.columns]
    frame["date"] = frame["date"].astype("datetime64[ms]").astype(pd.ArrowDtype(pa.date32()))
    path = Path(__file__).with_name("stocks.parquet")
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, compression="zstd", compression_level=19)
