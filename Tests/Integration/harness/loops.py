"""A file system in a file: loop-mounted ext4 whose image can be copied at one instant."""

import os
import shutil
import subprocess
from pathlib import Path

from .node import Missing


def require():
    """Skips the test where file systems cannot be mounted."""
    if os.geteuid() != 0:
        raise Missing("needs root to mount file systems")
    for name in ("mkfs.ext4", "losetup", "mount", "umount"):
        if not shutil.which(name):
            raise Missing(f"needs {name}")


def _run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


class LoopDisk:
    """An ext4 image, its loop device and where it is mounted."""

    def __init__(self, image, mount_point):
        self.image = Path(image)
        self.mount_point = Path(mount_point)
        self.device = None
        self.mounted = False

    def make(self, megabytes):
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        # Everything is written now: a lazy initialisation would go on writing in the background.
        _run(
            "mkfs.ext4", "-q", "-F", "-m", "0",
            "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", str(self.image),
        )  # fmt: skip
        return self

    def mount(self):
        self.mount_point.mkdir(parents=True, exist_ok=True)
        try:
            self.device = _run("losetup", "--find", "--show", str(self.image))
            _run("mount", "-o", "noatime", self.device, str(self.mount_point))
        except RuntimeError as problem:
            self.unmount()
            raise Missing(f"file systems cannot be mounted here: {problem}")
        self.mounted = True
        return self

    def unmount(self):
        if self.mounted:
            subprocess.run(["umount", str(self.mount_point)], capture_output=True)
            if os.path.ismount(self.mount_point):
                subprocess.run(["umount", "-l", str(self.mount_point)], capture_output=True)
            self.mounted = False
        if self.device:
            subprocess.run(["losetup", "--detach", self.device], capture_output=True)
            self.device = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unmount()

    def _writes(self):
        """Writes of the device: finished ones, sectors, and those under way."""
        fields = Path(f"/sys/block/{Path(self.device).name}/stat").read_text().split()
        return fields[4], fields[6], fields[8]

    def copy_image(self, target):
        """Copies the image; whether nothing was written to it meanwhile, so that it is a moment."""
        before = self._writes()
        subprocess.run(
            ["cp", "--sparse=always", "--reflink=auto", str(self.image), str(target)], check=True
        )
        return before == self._writes() and before[2] == "0"
