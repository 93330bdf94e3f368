"""Makes audit_values.json: what the bad formulas of audit_cases.py are worth, by mpmath with 60 digits.

    python -m tests.testing.make_audit_values

Needs mpmath, which no test needs.
"""

import json
from pathlib import Path

import numpy as np

from tests.testing.audit_cases import BAD

FILE = Path(__file__).with_name("audit_values.json")
DIGITS = 40


def main():
    import mpmath as m

    m.mp.dps = 60

    def exactly(arg):
        return [m.mpf(float(each)) for each in arg] if isinstance(arg, np.ndarray) else m.mpf(float(arg))

    def written(value):
        return m.nstr(value, DIGITS)

    def gradient(f, args):
        """By the first argument: one number, or one for each entry."""
        first, *others = args
        if not isinstance(first, list):
            return [written(m.diff(lambda x: f(m, x, *others), first))]
        return [
            written(m.diff(lambda x, at=at: f(m, [*first[:at], x, *first[at + 1 :]], *others), first[at]))
            for at in range(len(first))
        ]

    found = {}
    for case in BAD:
        args = [exactly(arg) for arg in case.args]
        entry = found[case.name] = {"value": written(case.exact(m, *args))}
        node = None if case.node is None else case.node(m, *args)
        if node is not None:
            entry["node"] = written(node)
        if case.gradient:
            entry["gradient"] = gradient(case.exact, args)
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
