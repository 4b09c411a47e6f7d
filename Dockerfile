# One image for every role; the command chooses it (see docker-compose.yml).
FROM python:3.12-slim AS build
ENV PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv/queuant
RUN python -m venv /opt/venv && /opt/venv/bin/pip install uv
COPY requirements.lock ./
RUN VIRTUAL_ENV=/opt/venv /opt/venv/bin/uv pip sync --no-cache --compile-bytecode --require-hashes requirements.lock
COPY . .
# The project stays a folder (its migrations and datasets are files in it) that Python finds by one line.
RUN echo /srv/queuant > "$(/opt/venv/bin/python -c 'import site; print(site.getsitepackages()[0])')/queuant.pth" \
    && printf '#!/bin/sh\nexec /opt/venv/bin/python -P -m app.cli "$@"\n' > /opt/venv/bin/queuant \
    && chmod 755 /opt/venv/bin/queuant \
    && /opt/venv/bin/python -m compileall -q engine strategies app workers migrations
# Kernels are compiled here, so that no worker does it at its start.
ENV QUEUANT_CACHE_DIR=/var/cache/queuant
RUN mkdir -p "$QUEUANT_CACHE_DIR" \
    && /opt/venv/bin/python -c 'import os, pathlib, engine; from engine import jit; jit.set_cache_dir(pathlib.Path(os.environ["QUEUANT_CACHE_DIR"])); engine.warm()'

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/queuant --create-home queuant \
    && install --directory --owner=queuant /var/lib/queuant-datasets
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/queuant /srv/queuant
COPY --from=build --chown=queuant:queuant /var/cache/queuant /var/cache/queuant
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    QUEUANT_HOME=/var/lib/queuant \
    QUEUANT_CACHE_DIR=/var/cache/queuant \
    QUEUANT_DATASET_DIR=/var/lib/queuant-datasets \
    QUEUANT_HOST=0.0.0.0
WORKDIR /var/lib/queuant
USER 10001
EXPOSE 8000 8001
# For the API, which is the default; docker-compose.yml gives every other role a check of its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=3)"]
ENTRYPOINT ["queuant"]
CMD ["api"]
