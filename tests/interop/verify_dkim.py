"""Verifies the DKIM signature of messages: verify_dkim.py KEY_RECORD MESSAGE...

Prints for each message "pass" or "fail" and its path. The key is not looked up in the DNS.
"""

import sys

import dkim

with open(sys.argv[1], "rb") as file:
    record = file.read()
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        message = file.read()
    passed = dkim.verify(message, dnsfunc=lambda name, timeout=5: record)
    print("pass" if passed else "fail", path)
