"""Runs the public SCIM testers against `rollcall serve` on its sandbox: conformance.py ROLLCALL.

Every failure counts, but for what docs/scim-conformance.md refutes; and what is refuted there must still fail here.
"""

import json
import os
import subprocess
import sys
import tempfile
import uuid

import scim2_cli.test
import scim2_tester.filling
from scim2_tester import Status, check_server

# What scim2-tester and scim-sanity assert against the RFCs: docs/scim-conformance.md.
REFUTED = {
    "PATCH modify() did not remove attribute 'active'",
    "PATCH /Groups/{id} add member",
    "PATCH /Groups/{id} remove members",
}
refuted = set()


class JumpCloudsUuid:
    """A random value that JumpCloud takes as a username, which starts with a letter, and as a password, which has a
    capital. Formatted, it is a part of an e-mail address, which JumpCloud keeps in lower case."""

    def __init__(self):
        self.text = str(uuid.uuid4())

    def __str__(self):
        return "A" + self.text[1:]

    def __format__(self, _):
        return self.text


class First:
    """No choice: of the kinds of e-mail address the first is `work`, without which JumpCloud has no user."""

    @staticmethod
    def choice(options):
        return options[0]

    @staticmethod
    def randint(least, _):
        return least


def is_refuted(what):
    if what in REFUTED:
        refuted.add(what)
    return what in REFUTED


def start(rollcall, folder):
    """Starts the service where no configuration is, and reads where it is and with which token."""
    command = [os.path.abspath(rollcall), "serve", "--port", "0", "--json"]
    service = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    printed = ""
    for line in service.stdout:
        printed += line
        if line.startswith("}"):
            return service, json.loads(printed)
    sys.exit("rollcall serve did not start")


def scim2(url, token):
    """`scim2 test`, with values that JumpCloud takes."""

    def check(client):
        results = check_server(client)
        return [result for result in results if result.status == Status.SUCCESS or not is_refuted(result.reason)]

    scim2_tester.filling.uuid = type("Uuid", (), {"uuid4": JumpCloudsUuid})
    scim2_tester.filling.random = First
    sys.modules["scim2_cli.test"].check_server = check
    try:
        scim2_cli.cli(["--url", url, "--header", f"Authorization: Bearer {token}", "test"])
    except SystemExit as ended:
        return ended.code == 0


def scim_sanity(url, token):
    command = ["scim-sanity", "probe", url, "--token", token, "--i-accept-side-effects", "--json-output"]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    passed = True
    for result in json.loads(ran.stdout)["results"]:
        name, status = result["name"], result["status"]
        failed = status.lower() not in ("pass", "skip") and not is_refuted(name)
        print("ERROR" if failed else status, name, result.get("message", ""))
        passed = passed and not failed
    return passed


def main(rollcall):
    with tempfile.TemporaryDirectory() as folder:
        service, answer = start(rollcall, folder)
        try:
            passed = [test(answer["url"], answer["token"]) for test in (scim2, scim_sanity)]
        finally:
            service.terminate()
            service.wait()
    for what in REFUTED - refuted:
        print(f"ERROR no tester asserts this any more: {what}")
    sys.exit(0 if all(passed) and refuted == REFUTED else 1)


main(sys.argv[1])
