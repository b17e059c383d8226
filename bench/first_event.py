"""A cold start, in a process of its own: imports `app` from the folder of a function and answers
one event, or makes the client that it would need. Says on stderr how much CPU had gone by after
each step. Knows nothing of Foyer, for rivals are started by it, too."""

import os
import sys
import time


class Context:
    """What Lambda tells a handler about its invocation."""

    function_name = "bench"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:bench"
    aws_request_id = "d7f1a3c0-8a1b-4c5e-9f00-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


def main(event: str) -> None:
    marks = [time.process_time()]
    app = __import__("app")
    marks.append(time.process_time())
    if event:
        import json

        answer = app.lambda_handler(json.loads(event), Context())
        assert answer["statusCode"] == 200, answer
    else:
        from foyer.storage.table import _client

        _client()
    marks.append(time.process_time())
    print(*marks, file=sys.stderr, flush=True)
    os._exit(0)  # Lambda freezes a process, it does not take it apart


if __name__ == "__main__":
    main(sys.argv[1])
