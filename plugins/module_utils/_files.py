# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are read and replaced as a whole: in a user's name, under a lock, private, with links kept.

New text is written beside the file, readable by nobody else from its first byte, and renamed into its place, so that
a kill at any instant leaves each file whole. Whatever else goes wrong leaves all of them as they were.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
import stat
import time
import typing as t
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault, InvalidInput

_LARGEST = 16 * 1024 * 1024  # bytes; whoever plants a larger file must not fill the host's memory
_LOCK_TIMEOUT = 30.0  # seconds
_KEPT_LABELS = ("security.selinux", "system.posix_acl_access")
# What is said of a file that is a mount point, or whose folder is not ours: what Ansible's unsafe_writes is for.
_NOT_REPLACEABLE = (errno.EACCES, errno.EBUSY, errno.EPERM, errno.EROFS, errno.EXDEV)


class ChangedMeanwhile(Exception):
    """A file is not what it was when it was read: read it again, and decide again."""


@dataclass(frozen=True)
class File:
    """A file as it was read. ``content``, ``mode``, ``uid`` and ``gid`` are none where there is no such file.

    ``path`` is what was asked for; ``folder`` and ``name`` are where that is behind all links.
    """

    path: str
    folder: str
    name: str
    content: t.Optional[bytes] = field(default=None, repr=False)
    mode: t.Optional[int] = None
    uid: t.Optional[int] = None
    gid: t.Optional[int] = None

    @property
    def target(self) -> str:
        return os.path.join(self.folder, self.name)


@dataclass(frozen=True)
class Replacement:
    """What a file shall hold and be. ``uid`` and ``gid`` of -1 are those of whoever writes."""

    file: File
    content: bytes = field(repr=False)
    mode: int
    uid: int = -1
    gid: int = -1


class Manner(t.NamedTuple):
    """How files are replaced. A folder that is made has ``folder_mode`` and the first file's owner and group.

    ``in_place``: where a file cannot be replaced, since it is a mount point or its folder is not ours, overwrite it.
    """

    folder_mode: int = 0o700
    backup: bool = False
    in_place: bool = False


@contextmanager
def acting_as(user: t.Optional[str]) -> t.Iterator[str]:
    """Work with the rights of the OS user of that name, no matter what links lead to; gives their home directory.

    Without a name nothing changes, and the home is what ``~`` means. Raises InvalidInput where there is no such user,
    or where these rights cannot be had.
    """
    if user is None:
        yield os.path.expanduser("~")
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise InvalidInput(f"user: this host has no user {user!r}.") from None
    if entry.pw_uid == os.geteuid():
        yield entry.pw_dir
        return
    if os.geteuid() != 0:
        raise InvalidInput(f"user: working as {user!r} takes root's rights. Use become: true.")
    groups, group = os.getgroups(), os.getegid()
    try:
        os.initgroups(user, entry.pw_gid)
        os.setegid(entry.pw_gid)
        os.seteuid(entry.pw_uid)
        yield entry.pw_dir
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def read(path: str, follow: bool = True) -> File:
    """The file at ``path``, or that there is none. Raises FileFault where it cannot be read or followed."""
    path = os.path.abspath(path)
    if not follow and os.path.islink(path):
        raise FileFault(f"{path} is a symbolic link, which follow: false forbids.", path=path)
    target = os.path.realpath(path)
    file = File(path, *os.path.split(target))
    try:
        with _opened(target, os.O_RDONLY | os.O_NONBLOCK) as fd:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
                raise FileFault(f"{path} is no regular file of at most {_LARGEST} bytes.", path=path)
            with open(fd, "rb", closefd=False) as stream:
                content = stream.read()
    except FileNotFoundError:
        if os.path.lexists(os.path.dirname(path)) and not os.path.isdir(file.folder):
            raise FileFault(f"{path} leads to {target}, whose folder does not exist.", path=path) from None
        return file
    except OSError as error:
        raise _fault(path, "read", error) from error
    return File(path, file.folder, file.name, content, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def replace(replacements: t.Sequence[Replacement], seen: t.Sequence[File], manner: Manner) -> t.List[str]:
    """Replace files in the order given, if all that were ``seen`` are what they were; the paths of the backups.

    ``seen`` names every file that was read, also those that stay. Raises ChangedMeanwhile, and FileFault where
    something cannot be written; all files are then as they were.
    """
    with ExitStack() as stack:
        folders: t.Dict[str, int] = {}
        # In one order, so that no two runs wait for each other.
        for item in sorted(replacements, key=lambda item: item.file.folder):
            if item.file.folder not in folders:
                stack.enter_context(_folder(item, manner.folder_mode))
                folders[item.file.folder] = stack.enter_context(_locked(item.file.folder))
        swaps = [_Swap(item, folders[item.file.folder], manner) for item in replacements]
        try:
            for swap in swaps:
                swap.stage()
            if any(read(file.path) != file for file in seen):
                raise ChangedMeanwhile
            for swap in swaps:
                swap.commit()
        except BaseException as error:
            stuck = [swap.path for swap in reversed(swaps) if not swap.undo()]
            if stuck:
                message = f"{error} The new {' and '.join(stuck)} could not be taken back."
                raise FileFault(message, path=stuck[0], changed=True) from error
            raise
        finally:
            for swap in swaps:
                swap.clean()
        return [swap.backup for swap in swaps if swap.backup]


def sweep(files: t.Iterable[File]) -> None:
    """Remove what runs that were killed have left beside these files. Raises ChangedMeanwhile and FileFault."""
    for file in files:
        if _leftovers(file.folder, file.name):
            with _locked(file.folder) as folder:  # whoever is still at work has the lock
                for name in _leftovers(file.folder, file.name):
                    _remove(name, folder)


def check_replaceable(file: File, manner: Manner) -> None:
    """Raise FileFault if `replace` would not be permitted; nothing is touched."""
    folder = file.folder
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    by_effective_ids = os.access in os.supports_effective_ids
    if os.access(folder, os.W_OK | os.X_OK, effective_ids=by_effective_ids):
        return
    if not (manner.in_place and os.access(file.target, os.W_OK, effective_ids=by_effective_ids)):
        raise FileFault(f"{file.path} cannot be written: no permission to write to {folder}.", path=file.path)


class _Swap:
    """One file on its way from its old text to its new one, and back if need be."""

    def __init__(self, wanted: Replacement, folder: int, manner: Manner) -> None:
        self._wanted = wanted
        self._file = wanted.file
        self.path = wanted.file.path
        self._folder = folder
        self._manner = manner
        self._fresh: t.Optional[str] = None  # name of the new text, beside the file
        self._spare: t.Optional[str] = None  # name of the old text, with which to undo
        self._committed = False
        self.backup: t.Optional[str] = None

    def stage(self) -> None:
        was, wanted = self._file, self._wanted
        try:
            self._fresh = self._create(_beside(was.name), wanted.content, wanted.mode, wanted.uid, wanted.gid)
            if was.content is not None:
                self._spare = self._copy(_beside(was.name), t.cast(int, was.mode))
        except FileNotFoundError:
            raise ChangedMeanwhile from None  # another run made the folder, failed, and removed it
        except OSError as error:
            self._tolerate(error)
        if self._manner.backup and was.content is not None:
            name = f"{was.name}.{os.getpid()}.{time.strftime('%Y-%m-%d@%H:%M:%S')}~"
            try:
                self.backup = os.path.join(was.folder, self._copy(name, 0o600))
            except OSError as error:
                raise _fault(os.path.join(was.folder, name), "written", error) from error

    def commit(self) -> None:
        self._put(self._fresh, self._wanted.content, self._wanted.mode)
        self._committed = True

    def undo(self) -> bool:
        """Whether the file is what it was."""
        if self.backup:
            _remove(os.path.basename(self.backup), self._folder)
            self.backup = None
        if not self._committed:
            return True
        if self._file.content is None:
            return _remove(self._file.name, self._folder)
        try:
            self._put(self._spare, self._file.content, t.cast(int, self._file.mode))
        except (ChangedMeanwhile, FileFault):
            return False
        return True

    def clean(self) -> None:
        for name in (self._fresh, self._spare):
            if name:
                _remove(name, self._folder)  # if not now, the next run sweeps it

    def _copy(self, name: str, mode: int) -> str:
        """Keep what the file was, in the hands of its owner, if that may be."""
        was = self._file
        content = was.content or b""
        try:
            return self._create(name, content, mode, t.cast(int, was.uid), t.cast(int, was.gid))
        except PermissionError:
            return self._create(name, content, mode, -1, -1)

    def _create(self, name: str, content: bytes, mode: int, uid: int, gid: int) -> str:
        """Make a file with the owners, labels and mode that it shall have, before anybody else can read it."""
        with _opened(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self._folder) as fd:
            try:
                _write_all(fd, content)
                if (uid, gid) != (-1, -1):
                    os.fchown(fd, uid, gid)
                if self._file.content is not None:
                    with _opened(self._file.name, os.O_RDONLY | os.O_NONBLOCK, self._folder) as old:
                        _copy_labels(old, fd)
                os.fchmod(fd, mode)
                os.fsync(fd)
            except BaseException:
                _remove(name, self._folder)
                raise
        return name

    def _put(self, staged: t.Optional[str], content: bytes, mode: int) -> None:
        if staged:
            try:
                os.rename(staged, self._file.name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
                with suppress(OSError):  # some file systems cannot
                    os.fsync(self._folder)
                return
            except FileNotFoundError:
                raise ChangedMeanwhile from None  # swept by a run on another host, which has no lock in common with us
            except OSError as error:
                self._tolerate(error)
        try:
            self._overwrite(content, mode)
        except OSError as error:
            raise _fault(self._file.path, "written", error) from error

    def _overwrite(self, content: bytes, mode: int) -> None:
        with _opened(self._file.name, os.O_WRONLY, self._folder) as fd:
            if mode != self._file.mode:
                os.fchmod(fd, mode)
            try:
                _write_all(fd, content)
            except OSError:
                _write_all(fd, self._file.content or b"")
                raise
            os.fsync(fd)

    def _tolerate(self, error: OSError) -> None:
        """Go on where the file may be overwritten in place; else raise what happened."""
        if not self._manner.in_place or self._file.content is None or error.errno not in _NOT_REPLACEABLE:
            raise _fault(self._file.path, "written", error, self._file.uid) from error


@contextmanager
def _folder(item: Replacement, mode: int) -> t.Iterator[None]:
    """Have the folder of a file; what had to be made for it goes again if the body fails."""
    folder, missing = os.path.dirname(item.file.path), []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    made: t.List[str] = []
    try:
        for folder in reversed(missing):
            try:
                if _make(folder, mode, item.uid, item.gid):
                    made.append(folder)
            except OSError as error:
                raise _fault(folder, "made", error) from error
        yield
    except BaseException:
        with suppress(OSError):  # another run uses it already
            for folder in reversed(made):
                os.rmdir(folder)
        raise


def _make(folder: str, mode: int, uid: int, gid: int) -> bool:
    umask = os.umask(0)
    try:
        os.mkdir(folder, mode)
    except FileExistsError:  # another run was faster
        return False
    finally:
        os.umask(umask)
    if (uid, gid) != (-1, -1):
        with _opened(folder, os.O_RDONLY | os.O_DIRECTORY) as fd:
            os.fchown(fd, uid, gid)
    return True


@contextmanager
def _locked(folder: str) -> t.Iterator[int]:
    """Hold the lock of a folder, which is the folder's own, so that no file stays behind; gives its descriptor.

    Where a file system has no locks, or not across hosts (NFS), the comparison just before the renames remains.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ChangedMeanwhile from None  # another run made it, failed, and removed it
    except OSError as error:
        raise _fault(folder, "opened", error) from error
    try:
        end = time.monotonic() + _LOCK_TIMEOUT
        while not _try_lock(fd):
            if time.monotonic() > end:
                raise FileFault(f"{folder} is locked by another process.", path=folder)
            time.sleep(0.01)
        if not _is(folder, fd):
            raise ChangedMeanwhile
        yield fd
    finally:
        os.close(fd)


def _is(path: str, fd: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except OSError:
        return False


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here
        pass
    return True


@contextmanager
def _opened(path: str, flags: int, folder: t.Optional[int] = None) -> t.Iterator[int]:
    fd = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        yield fd
    finally:
        os.close(fd)


def _write_all(fd: int, content: bytes) -> None:
    """The file's whole content, also where it was longer."""
    os.lseek(fd, 0, os.SEEK_SET)
    with open(fd, "wb", closefd=False) as stream:
        stream.write(content)
    os.ftruncate(fd, len(content))


def _copy_labels(source: int, target: int) -> None:
    for name in _KEPT_LABELS:
        old, new = _label(source, name), _label(target, name)
        if old is not None and old != new:
            os.setxattr(target, name, old)
        elif old is None and new is not None and name != "security.selinux":
            os.removexattr(target, name)


def _label(fd: int, name: str) -> t.Optional[bytes]:
    try:
        return os.getxattr(fd, name)
    except (AttributeError, OSError):  # not Linux, or a file system without any
        return None


def _beside(name: str) -> str:
    return _prefix(name) + os.urandom(8).hex()


def _prefix(name: str) -> str:
    return f".{name}.rekey-"


def _leftovers(folder: str, name: str) -> t.List[str]:
    try:
        return [found for found in os.listdir(folder) if found.startswith(_prefix(name))]
    except OSError:
        return []


def _remove(name: str, folder: int) -> bool:
    """Whether the file is gone."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def _fault(path: str, done: str, error: OSError, owner: t.Optional[int] = None) -> FileFault:
    message = f"{path} cannot be {done}: {error.strerror or type(error).__name__}."
    if error.errno == errno.EPERM and owner not in (None, os.geteuid()):
        message += f" It belongs to user {owner}: run as that user, or as root."
    if error.errno == errno.EBUSY:
        message += " It is a mount point: only unsafe_writes: true can write to it."
    return FileFault(message, path=path)
