# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new key saved as a CSV file, in one of the two forms that AWS's own tools write and read."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import tempfile
import typing as t

from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault, InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._model import NewAccessKey

# The file that the console offers after it made a key, and what `aws configure import --csv` asks for.
CONSOLE = "console"
IMPORT = "import"

_ROOM = 1024


class CsvStore:
    """The file at ``path``, which must not exist yet: a secret that somebody may need is never overwritten."""

    def __init__(self, path: str, form: str) -> None:
        self.path = path
        self._form = form

    def check(self, user_name: str) -> None:
        """Raises FileFault or InvalidInput where a key of this user could not be saved; touches nothing."""
        folder = os.path.dirname(os.path.abspath(self.path))
        if self._form == IMPORT and "," in user_name:
            raise InvalidInput(
                "store: 'aws configure import' cannot read the user name {0}, since it parts a row at every comma. "
                "Use format {1}.".format(user_name, CONSOLE)
            )
        if os.path.lexists(self.path):
            raise FileFault(
                "store: {0} exists, and it may hold a secret that cannot be had again. Move it away, or give another "
                "path.".format(self.path),
                path=self.path,
            )
        if not os.access(folder, os.W_OK | os.X_OK):
            reason = "cannot be written to" if os.path.isdir(folder) else "is no folder"
            raise FileFault("store: {0} {1}. Make it first, with mode 0700.".format(folder, reason), path=self.path)

    @contextlib.contextmanager
    def reserve(self, user_name: str) -> t.Iterator[t.Callable[[NewAccessKey], None]]:
        """Room on the disk, and the way to save one key there, before the key is made.

        The file appears whole under its name, readable by its owner alone, or not at all. Raises as ``check`` does;
        saving raises FileFault.
        """
        self.check(user_name)
        folder, name = os.path.split(os.path.abspath(self.path))
        with _fault(self.path):
            handle, beside = tempfile.mkstemp(prefix=".{0}.".format(name), dir=folder)
        try:
            with open(handle, "r+b") as file:

                def write(content: bytes) -> None:
                    file.seek(0)
                    file.write(content)
                    file.truncate()
                    file.flush()
                    os.fsync(handle)

                def save(key: NewAccessKey) -> None:
                    with _fault(self.path):
                        write(self._text(user_name, key))
                        os.link(beside, self.path)
                    with contextlib.suppress(OSError):  # it is saved; only a power failure now could undo that
                        _sync(folder)

                with _fault(self.path):
                    write(bytes(_ROOM))
                yield save
        finally:
            with contextlib.suppress(OSError):
                os.unlink(beside)

    def _text(self, user_name: str, key: NewAccessKey) -> bytes:
        names, values = ["Access key ID", "Secret access key"], [key.key.id, key.secret_access_key]
        if self._form == IMPORT:
            names, values = ["User Name", *names], [user_name, *values]
        text = io.StringIO()
        csv.writer(text).writerows((names, values))
        return text.getvalue().encode("utf-8")


def _sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _fault(path: str) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileFault("store: {0} cannot be written: {1}.".format(path, error.strerror), path=path) from None
