"""`make openapi`: the OpenAPI document of all functions, written where `pages` serves it from."""

import json
import os
import sys
from typing import Any

from local.site import PATH, ROOT
from local.template import load

TARGET = ROOT / "layers" / "foyer" / "foyer" / "web" / "openapi.json"


def document() -> str:
    """The document, from the functions as they are."""
    from aws_lambda_powertools.event_handler.openapi.merge import OpenAPIMerge

    template = load(ROOT / "template.yaml", {})
    for function in template.functions.values():  # functions do not start without
        for name, value in function.environment.items():
            os.environ.setdefault(name, str(value))
    merge = OpenAPIMerge(
        title="Foyer",
        version="1",
        description="Client accounts: browse as the generic user, shop as a guest. Changes must "
        "come from the site itself (`Sec-Fetch-Site: same-origin`, else its `Origin`).",
        on_conflict="error",
    )
    for name in sorted({route.function for route in template.routes} | {template.default}):
        merge.add_file(ROOT / template.functions[name].folder / "app.py")
    schema: dict[str, Any] = json.loads(merge.get_openapi_json_schema())
    _tidy(schema)
    return json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _tidy(schema: dict[str, Any]) -> None:
    """Without what Powertools adds on its own: its errors (ours are problems, documented route by
    route), and a JSON body for answers that have none."""
    for name in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        schema["components"]["schemas"].pop(name, None)
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status in ("204", "303"):
                operation["responses"].get(status, {}).pop("content", None)


def main() -> int:
    sys.path[0:0] = PATH
    TARGET.write_text(document(), encoding="utf-8")
    print(f"written: {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
