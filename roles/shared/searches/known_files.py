"""Files below /etc, /usr, /boot … that no package lists and that every healthy Debian may have: by what makes them.

Whoever wants to stay hides among these, so the list names files and hardly any directory. Those that run something, or
let somebody in, are not here: what they say is read (`generated`). Debian's own `cruft-ng` keeps such rules, package by
package. Not here: what a role makes (its own `expects`), and what an organisation's image has (`expects` of role
`base`).
"""

from __future__ import annotations

OF_ACCOUNTS = (
    *(
        f"/etc/{name}{end}"
        for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
        for end in ("", "-")
    ),
    "/etc/.pwd.lock",
    "/etc/security/opasswd",
    "/etc/shells",
)
"""By passwd and its like; who is in them is read (`people`)."""

OF_EVERY_DEBIAN = (
    "/etc/.updated",
    "/etc/adjtime",
    "/etc/aliases",
    "/etc/aliases.db",
    "/etc/ca-certificates.conf",
    "/etc/default/locale",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/locale.conf",
    "/etc/locale.gen",
    "/etc/localtime",
    "/etc/machine-id",
    "/etc/mailname",
    "/etc/motd",
    "/etc/networks",
    "/etc/resolv.conf",
    "/etc/timezone",
    "/etc/vconsole.conf",
    "/etc/sgml/*",
    "/etc/ssh/ssh_host_*_key",
    "/etc/ssh/ssh_host_*_key.pub",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs/java/cacerts",
    "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "/etc/ssl/private/ssl-cert-snakeoil.key",
    "/etc/python3*/debian_config",
    "/etc/udev/hwdb.bin",
    "/etc/xml/*.xml",
    "/etc/xml/*.old",
    "/etc/xml/catalog",
    "/usr/lib/udev/hwdb.bin",
    "/usr/lib/locale/locale-archive",
    "/usr/lib/*/gconv/gconv-modules.cache",
    "/usr/lib/*/gio/modules/giomodule.cache",
    "/usr/lib/*/gdk-pixbuf-2.0/*/loaders.cache",
    "/usr/share/applications/mimeinfo.cache",
    "/usr/share/glib-2.0/schemas/gschemas.compiled",
    "/usr/share/icons/*/icon-theme.cache",
    "/usr/share/info/dir",
    "/usr/share/mime/*",
)
"""By the scripts of packages that nearly every host has."""

OF_HARDWARE = (
    "/boot/efi/*",
    "/boot/grub/*",
    "/boot/initrd.img-*",
    "/etc/console-setup/cached_*",
    "/etc/console-setup/*.gz",
    "/etc/crypttab",
    "/etc/default/console-setup",
    "/etc/default/grub",
    "/etc/default/keyboard",
    "/etc/default/mdadm",
    "/etc/discover.conf",
    "/etc/fstab",
    "/etc/initramfs-tools/conf.d/driver-policy",
    "/etc/initramfs-tools/conf.d/resume",
    "/etc/iscsi/initiatorname.iscsi",
    "/etc/kernel-img.conf",
    "/etc/lvm/archive/*",
    "/etc/lvm/backup/*",
    "/etc/lvm/devices/*",
    "/etc/mdadm/mdadm.conf",
    "/etc/systemd/network/*.link",
    "/etc/systemd/network/*.netdev",
    "/etc/systemd/network/*.network",
    "/usr/lib/modules/*/modules.*",
)
"""By the installer, for disks, booting and the network; and by what makes a kernel's initial file system."""

OF_APT = (
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d/debian.sources",
    "/etc/apt/apt.conf.d/00CDMountPoint",
    "/etc/apt/apt.conf.d/00trustcdrom",
    "/etc/apt/apt.conf.d/01autoremove-kernels",
    "/etc/apt/listchanges.conf",
    "/etc/popularity-contest.conf",
    "/etc/*.dpkg-dist",
    "/etc/*.dpkg-new",
    "/etc/*.dpkg-old",
    "/etc/*.ucf-dist",
    "/etc/*.ucf-old",
)
"""By the installer, and by dpkg and ucf: a configuration that was set aside."""

OF_APPARMOR = (
    "/etc/apparmor.d/local/*",
    "/etc/apparmor.d/tunables/home.d/ubuntu",
    "/etc/apparmor.d/tunables/xdg-user-dirs.d/site.local",
)
"""By packages, for what a host adds to their profiles."""

READ = (
    "/etc/environment",
    "/etc/hosts.allow",
    "/etc/hosts.deny",
    "/etc/inputrc",
    "/etc/modules",
    "/etc/network/interfaces",
    "/etc/nsswitch.conf",
    "/etc/pam.d/common-account",
    "/etc/pam.d/common-auth",
    "/etc/pam.d/common-password",
    "/etc/pam.d/common-session",
    "/etc/pam.d/common-session-noninteractive",
    "/etc/profile",
)
"""By packages when they are installed, and so no file of theirs: what these say is read, line by line (`generated`)."""

KNOWN = (*OF_ACCOUNTS, *OF_EVERY_DEBIAN, *OF_HARDWARE, *OF_APT, *OF_APPARMOR, *READ)

OF_THE_LAB = (
    "/etc/apt/apt.conf.d/10lab",
    "/etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    "/etc/pip.conf",
    "/usr/lib/sysctl.d/00-installer.conf",
    "/usr/lib/systemd/system/*.d/lab.conf",
    "/usr/lib/systemd/system/lab-first-router.service",
    "/usr/local/share/ca-certificates/lab/*",
)
"""By what makes the lab's image: in the lab alone, where role `base` takes them for granted."""
