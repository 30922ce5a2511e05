"""Runs schemathesis with several threads: python's ast must not be used by two of them at once, and hypothesis does.

usage: check_api.py ARGUMENTS-OF-SCHEMATHESIS
"""
import threading

from hypothesis.internal import lambda_sources

one_at_a_time = threading.RLock()
describe = lambda_sources._lambda_description


def describe_alone(*args, **kwargs):
    with one_at_a_time:
        return describe(*args, **kwargs)


lambda_sources._lambda_description = describe_alone

from schemathesis.cli import schemathesis  # noqa: E402

schemathesis()
