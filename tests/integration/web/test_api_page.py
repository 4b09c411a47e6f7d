"""The page of the API is that of its specification.

python -m tests.integration.web.test_api_page writes its tables anew.
"""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.settings import Settings
from app.web.factory import create_app
from app.web.problems import FORBIDDEN, INTERNAL, REFUSED, STATUS
from app.wiring import build
from engine.errors import QueuantError

PAGE = Path(__file__).resolve().parents[3] / "docs" / "api.md"
MARK = "<!-- what follows is written by python -m tests.integration.web.test_api_page -->\n"
METHODS = ("get", "post", "put", "delete")
UNDER = "/api/v1"
MODULES = ("engine.errors", "app.errors", "app.web.errors", "app.web.strict_json")


def errors() -> Iterator[str]:
    """Every status of an error, with the codes that classes have by themselves and the first sentence of each."""
    told = {(status, code): text for status, (code, text) in REFUSED.items()}
    told[FORBIDDEN, "forbidden"] = "The key does not have the scope that this needs."
    told[INTERNAL, "internal_error"] = "Something went wrong on this side; the log has it under the request's id."
    for kind in kinds(QueuantError):
        status = next((STATUS[one] for one in kind.__mro__ if one in STATUS), None)
        if status and kind.__module__ in MODULES:
            sentence = re.match(r".*?\.(?=\s|$)", inspect.getdoc(kind) or "", re.DOTALL)
            told.setdefault((status, kind.code), " ".join(sentence[0].split()) if sentence else "")
    yield from ("| status | code | |", "|---|---|---|")
    for (status, code), text in sorted(told.items()):
        yield f"| {status} | `{code}` | {text} |"


def kinds(of: type[QueuantError]) -> Iterator[type[QueuantError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def routes(spec: Mapping[str, Any]) -> Iterator[str]:
    """A table of routes for each tag."""
    for tag in spec["tags"]:
        yield from ("", f"## {tag['name']}", "", tag["description"], "")
        yield from ("| | what it does | key | takes |", "|---|---|---|---|")
        for path, item in spec["paths"].items():
            for method in METHODS:
                if tag["name"] in item.get(method, {}).get("tags", ()):
                    yield row(path, method, item[method])


def row(path: str, method: str, operation: Mapping[str, Any]) -> str:
    scopes = [scope for one in operation["security"] for scope in one.get("bearer", ())]
    given = [f"`{found['name']}`" for found in operation.get("parameters", ()) if found.get("in") == "query"]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        name = content["schema"]["$ref"].rpartition("/")[2]
        given.insert(0, f"{'form' if kind.startswith('multipart') else 'body'} {name}")
    address = f"`{method.upper()} {path.removeprefix(UNDER)}`"
    cells = (address, operation["summary"], " ".join(scopes), ", ".join(given))
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def tables(spec: Mapping[str, Any]) -> str:
    return "\n".join(["", *errors(), *routes(spec), ""])


def test_the_page_of_the_api_is_its_specification(shared: Any) -> None:
    spec = shared.get("/openapi.json", key=None).get_json()
    assert PAGE.read_text("utf-8").endswith(f"{MARK}{tables(spec)}"), "python -m tests.integration.web.test_api_page"


def test_every_route_of_the_page_says_what_key_it_needs(shared: Any) -> None:
    found = re.findall(
        r"^\| `(?:GET|POST|PUT|DELETE) ([^`]+)` \| [^|]+ \| (\w*)", PAGE.read_text("utf-8"), re.MULTILINE
    )
    paths = shared.get("/openapi.json", key=None).get_json()["paths"].values()
    assert len(found) == sum(method in item for item in paths for method in METHODS)
    assert {path for path, scope in found if not scope} == {"/healthz", "/readyz"}
    assert {scope for _, scope in found} == {"", "read", "run", "admin"}


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        services = build(Settings.from_env({"REDIS_URL": "redis://127.0.0.1"}, home=Path(home)))
        spec = create_app(services).test_client().get("/openapi.json").get_json()
        services.close()
    before = PAGE.read_text("utf-8").partition(MARK)[0]
    PAGE.write_text(f"{before}{MARK}{tables(spec)}", "utf-8")


if __name__ == "__main__":
    main()
