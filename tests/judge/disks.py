"""Small file systems to fill, freeze and unmount. Mounting needs root: tests that ask for one run as root or with sudo."""

import os
import subprocess


def as_root(*command):
    """Runs a command as root; what it prints."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    return subprocess.run([*sudo, *map(str, command)], check=True, capture_output=True, text=True).stdout


class Disk:
    """A mounted file system; gone, whatever uses it, when the test ends."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.loop = None
        self.frozen = False

    def tmpfs(self, mebibytes):
        as_root("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=777", "tmpfs", self.folder)
        return self

    def grow(self, mebibytes):
        as_root("mount", "-o", f"remount,size={mebibytes}m", self.folder)

    def ext4(self, mebibytes):
        image = self.folder.with_suffix(".image")
        with open(image, "wb") as file:
            file.truncate(mebibytes << 20)
        as_root("mkfs.ext4", "-q", image)
        self.loop = as_root("losetup", "--find", "--show", image).strip()
        as_root("mount", self.loop, self.folder)
        as_root("chmod", "777", self.folder)
        return self

    def freeze(self):
        as_root("fsfreeze", "--freeze", self.folder)
        self.frozen = True

    def thaw(self):
        self.frozen = False
        as_root("fsfreeze", "--unfreeze", self.folder)

    def close(self):
        if self.frozen:
            self.thaw()
        as_root("umount", "--lazy", self.folder)
        if self.loop:
            as_root("losetup", "--detach", self.loop)
