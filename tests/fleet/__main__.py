# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python tests/fleet up --dir DIR --hosts 30; python tests/fleet down --dir DIR

Exit status: 0 done; 1 it cannot be done, the message says why; 3 no hosts over SSH on this machine (then
`--connection local` gives the same hosts without).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fleet.client import Fleet, FleetError, NoSshd


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/fleet", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start a fleet and print the path of its inventory")
    up.add_argument("--dir", type=Path, required=True)
    up.add_argument("--hosts", type=int, default=3)
    up.add_argument("--python", nargs="+", default=[], metavar="PATH", help="the hosts' Pythons, in turn")
    up.add_argument("--setenv", type=_setting, action="append", default=[], metavar="NAME=VALUE")
    up.add_argument("--connection", choices=("ssh", "local"), default="ssh")
    down = commands.add_parser("down", help="stop the fleet; its files stay")
    down.add_argument("--dir", type=Path, required=True)
    options = parser.parse_args()
    try:
        if options.command == "down":
            Fleet(options.dir).stop()
        else:
            fleet = Fleet.start(
                options.dir,
                options.hosts,
                pythons=options.python,
                setenv=dict(options.setenv),
                connection=options.connection,
            )
            print(fleet.inventory)
    except FleetError as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 3 if isinstance(error, NoSshd) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
