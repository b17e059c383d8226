"""Called by the layer's build: leaves of botocore's data what our clients need (22 MB of 443
services, and an endpoint table of all of them that each start of a client reads).

Stops the build where a client would then not do as before: each is made in each region, before and
after, and must know the same operations and sign for the same endpoint.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

# The clients of the functions; tests/test_house.py compares them with the source.
SERVICES = ("dynamodb", "events", "secretsmanager", "sesv2")


def trim(data: Path) -> None:
    used = {_endpoint_prefix(data, service) for service in SERVICES}
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in SERVICES:
            shutil.rmtree(folder)
    for examples in data.glob("*/*/examples-1.json*"):
        examples.unlink()
    table = data / "endpoints.json"
    endpoints = json.loads(table.read_text())
    for partition in endpoints["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in sorted(used & known.keys())}
    table.write_text(json.dumps(endpoints, separators=(",", ":")))


def _endpoint_prefix(data: Path, service: str) -> str:
    """What the endpoint table calls a service."""
    from botocore.loaders import Loader

    model = Loader(extra_search_paths=[str(data)]).load_service_model(service, "service-2")
    return str(model["metadata"]["endpointPrefix"])


def clients() -> dict[str, Any]:
    """What each client of ours would be, in each region."""
    from botocore.session import Session

    found = {}
    session = Session()  # a new one a look: it keeps what it has read
    for region in sorted(_regions(session)):
        for service in SERVICES:
            client: Any = session.create_client(
                service,
                region,
                aws_access_key_id="none",
                aws_secret_access_key="none",  # noqa: S106
            )
            found[f"{service} {region}"] = [
                client.meta.endpoint_url,
                client._request_signer._signing_name,
                client._request_signer._region_name,
                client._request_signer._signature_version,
                sorted(client.meta.service_model.operation_names),
            ]
    return found


def _regions(session: Any) -> set[str]:
    names = session.get_available_partitions()
    return {r for name in names for r in session.get_available_regions("dynamodb", name)}


def main(packages: str) -> int:
    sys.path.insert(0, packages)
    sys.dont_write_bytecode = True
    before = clients()
    trim(Path(packages) / "botocore" / "data")
    after = clients()
    wrong = [name for name in before if before[name] != after.get(name)]
    if wrong:
        print(f"trim.py: without the rest of botocore's data these differ: {wrong}")
    return 1 if wrong or not before else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
