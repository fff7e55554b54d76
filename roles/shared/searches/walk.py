"""One walk over a server's disks, for all searches that are about files: each file is looked at once. Pure.

It tells of files that no package brought, of those that are not as their package brought them, and of programs with
more rights than whoever starts them. What is strange among them, those searches say (`stray_files`, `package_files`,
`privileges`, `units`).

To read every file of every package, as `dpkg --verify` does, takes seconds. Here, those are read whose inode changed
after their package was unpacked (its time is the kernel's, and no `touch` sets it), and every configuration file.

What takes long on the host is to ask the kernel for each file; so `find` does that, and one process judges. It is Perl,
which every Debian has (`perl-base` is essential), and which has begun when Python has not yet started; a file's name is
whatever it is there, line breaks and all.
"""

from __future__ import annotations

import re
import shlex
from functools import cache

from inventory.frozen import Frozen
from roles.shared.searches.standing import Standing

PLACES = ("/etc", "/usr", "/boot", "/opt", "/var/spool/cron", "/var/spool/at", "/var/www", "/var/lib/systemd/linger")
"""Where every file must be somebody's."""
CONTAINERS = (
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/incus",
    "/var/lib/lxc",
    "/var/lib/lxd",
    "/var/lib/machines",
    "/var/lib/portables",
    "/snap",
)
NO_FILES = (
    "proc|sysfs|cgroup2?|devpts|devtmpfs|mqueue|bpf|tracefs|debugfs|securityfs|configfs|fusectl|autofs|nfs4?|cifs"
)
"""Types of file systems that hold no programs, or another machine's."""
NOISE = "^/usr/share/(doc|man|locale|info|help|icons|fonts|zoneinfo)/"
"""Of packages, what no program runs or obeys, and installers leave out."""
SETTLED = 600
"""Seconds after the last file of an image was copied to a host, until which it was being made. Where a host was copied
file by file (`tar`), most of dpkg's lists are older than their inodes, and files are compared with that time instead.
"""
BELOW = 2000
"""So many files are told of a directory of nobody's: an application that was unpacked there has tens of thousands."""
EVERYBODYS = r"^(/opt|/etc/opt|/usr/local(/[a-z]+)?|/usr/local/share/[a-z-]+|/var/www(/html)?)$"
"""Directories that every host has: what is in them is told by itself."""
MOST = 5000
"""So many files are read at most."""
LARGEST = 2047 * 1024
"""Bytes up to which a file's content is a part of what is known of it."""

PROGRAM = r"""use strict;
our ($ROOT, $PLACES, $CONTAINERS, $NO_FILES, $NOISE, $EVERYBODYS, $SETTLED, $BELOW, $MOST, $LARGEST);
my @places = split / /, $PLACES;
my @containers = split / /, $CONTAINERS;
sub any_of { my $any = join "|", map quotemeta, @_; qr{^($any)(/|$)} }
my ($in_places, $in_containers) = (any_of(@places), any_of(@containers));

sub text_of { open my $in, "<", "$ROOT$_[0]" or return ""; local $/; <$in> // "" }
sub merged { $_[0] =~ s{^(?=/(?:bin|sbin|lib(?:32|64|x32|o32)?)/)}{/usr}mgr }
sub asked {
    my ($what, @program) = @_;
    open my $answer, "-|", @program or die "$program[0]: $!";
    local $/ = "\0";
    while (<$answer>) { chomp; $what->() }
    close $answer;
    die "$program[0] was ended" if $? & 127;
}
sub asked_of {
    my ($what, $program, @files) = @_;
    while (@files) {
        my ($length, @some) = 0;
        while (@files && $length < 1e6) { push @some, shift @files; $length += 16 + length $some[-1] }
        asked($what, @$program, @some);
    }
}
sub sums {
    my %sum;
    asked_of(sub { my ($sum, $path) = split /  /, $_, 2; $sum{$path} = $sum }, @_);
    %sum
}
sub changed {
    my %was = @_;
    my @there = grep -e, sort keys %was;
    my %is = sums(["md5sum", "-z", "--"], grep -f, @there);
    grep { -f () ? exists $is{$_} && $is{$_} ne $was{$_} : 1 } @there
}

# Which package brought which file, and since when it is there.
my (%brought, @since, @copied);
for my $list (@ARGV) {
    my ($written, $unpacked) = (stat $list)[9, 10];
    push @copied, scalar @since if $unpacked - $written > 3600;
    push @since, $unpacked;
    open my $in, "<", $list or next;
    my @paths = do { local $/; split /\n/, merged(<$in>) };
    @brought{@paths} = ($#since) x @paths;
}
if (@copied * 2 > @since) {
    my ($last) = sort { $b <=> $a } @since[@copied];
    @since[@copied] = ($last + $SETTLED) x @copied;
}
my @diversions = split /\n/, text_of("/var/lib/dpkg/diversions");
my %of_ucf = reverse map { /^([0-9a-f]{32})  (\/.*)/ } split /\n/, text_of("/var/lib/ucf/hashfile");
my %changed_since = map { $_ => 1 } changed(%of_ucf);
my @unchanged = grep { -f && !$changed_since{$_} } keys %of_ucf;
$brought{$_} //= -1 for map merged($_), @unchanged, map $diversions[$_ * 3 + 1], 0 .. $#diversions / 3;

# Where file systems are mounted that may hold programs, or are a part of where every file must be somebody's.
my (%disks, %parts);
for (split /\n/, text_of("/proc/self/mounts")) {
    my (undef, $at, $type, $options) = split / /;
    $at =~ s/\\([0-7]{3})/chr oct $1/ge;
    next if $type =~ /^($NO_FILES)$/ || $at =~ $in_containers || !-d $at;
    if ($at =~ $in_places) { $parts{$at} = 1 }
    elsif ($options !~ /(^|,)nosuid(,|$)/) { $disks{$at} = 1 }
}
delete @parts{@places};
my @printed = ("-printf", "%y%m %C@ %p\\0");
my @apart = map { ("-o", "-path", $_) } @places, @containers;
my @finds = [@places, sort(keys %parts), qw(-xdev -name *.pyc -path */__pycache__/*.pyc -o), @printed];
push @finds, [sort(keys %disks), qw[-xdev -type d ( -false], @apart, qw[) -prune -o -type f -perm /6111], @printed]
    if %disks;

# The walk itself.
my (@told, %moved, @runnable, %topmost, %below);
sub in_reach {
    my ($path, $is) = @_;
    my $top = $topmost{$path =~ s{/[^/]*$}{}r};
    $topmost{$path} = $top // $path if $is =~ /^d/ && $path !~ /$EVERYBODYS/;
    !defined $top || ++$below{$top} <= $BELOW
}
for my $find (@finds) {
    open my $found, "-|", "find", @$find or die "find: $!";
    local $/ = "\0";
    while (<$found>) {
        chop;
        my ($is, $changed, $path) = split / /, $_, 3;
        my $by = $brought{$path};
        if (!defined $by) {
            my $is_cache = $is =~ /^d/ && $path =~ m{/__pycache__$};
            push @told, ["nobodys", $path] if $path =~ $in_places && !$is_cache && in_reach($path, $is);
        }
        elsif ($changed > $since[$by] + 1 && $is =~ /^f/ && $by >= 0) { $moved{$by}{$path} = 1 }
        next if $is eq "f644" || $is eq "d755" || $is eq "l777" || $is !~ /^f/;
        push @told, ["privileged", $path] if length $is > 4;
        push @runnable, $path if $is =~ /[1357].?.?$/;
    }
    close $found;
    die "find was ended" if $? & 127;
}

# What is not as its package brought it: every configuration file is read, and what changed after it was unpacked.
my %suspect;
my $status = text_of("/var/lib/dpkg/status");
while ($status =~ /^Conffiles:\n((?: .*\n)*)/mg) {
    my $files = $1;
    $suspect{$1} = $2 while $files =~ /^ (\/.*) ([0-9a-f]{32})$/mg;
}
for my $by (keys %moved) {
    last if keys %suspect > $MOST;
    open my $in, "<", $ARGV[$by] =~ s/[.]list$/.md5sums/r or next;
    while (<$in>) {
        my ($sum, $path) = /^([0-9a-f]{32})  (.+)/ or next;
        $path = merged("/$path");
        $suspect{$path} = $sum if $moved{$by}{$path} && $path !~ /$NOISE/;
    }
}
push @told, keys %suspect > $MOST ? ["too-many", "/"] : map ["changed", $_], changed(%suspect);

# What is told: a line each, odd letters by number.
sub written { print join("\t", map s/([^ -\[\]-~])/sprintf "\\x%02x", ord $1/ger, @_), "\n" }
my (%is, %user, %group);
$is{$$_[1]} = [lstat $$_[1]] for @told;
my %sum = sums(["sha256sum", "-z", "--"], grep { $is{$_}[2] >> 12 == 8 && $is{$_}[7] <= $LARGEST } sort keys %is);
for (@told) {
    my ($list, $path) = @$_;
    my ($mode, $uid, $gid, $size) = @{$is{$path}}[2, 4, 5, 7];
    next if !defined $mode;
    my $type = substr "?pc?d?b?f?l?s???", $mode >> 12, 1;
    my $user = $user{$uid} //= getpwuid($uid) // $uid;
    my $group = $group{$gid} //= getgrgid($gid) // $gid;
    my $what = sprintf "$type %o $user:$group $size", $mode & 07777;
    written($list, $path, $what, $type eq "l" ? readlink $path : "", $sum{$path} // "");
}
asked_of(sub { written("capable", $1, $2) while /^(.*) (\S+)$/mg }, ["getcap"], grep !/\n/, @runnable);
for my $path (grep /\n/, @runnable) {
    asked(sub { written("capable", $path, $1) if / (\S+)\n\z/ }, "getcap", $path);
}
"""


def question(root: str = "") -> str:
    """Return the command that walks over the disks, and tells of each strange file in a line of its own.

    Args:
        root: the directory below which all stands that is searched; in tests another one than a host's own.
    """
    given = {
        "ROOT": root,
        "PLACES": " ".join(root + place for place in PLACES),
        "CONTAINERS": " ".join(root + place for place in CONTAINERS),
        "NO_FILES": NO_FILES,
        "NOISE": NOISE.replace("^", f"^{re.escape(root)}"),
        "EVERYBODYS": EVERYBODYS.replace("^", f"^{re.escape(root)}"),
        "SETTLED": str(SETTLED),
        "BELOW": str(BELOW),
        "MOST": str(MOST),
        "LARGEST": str(LARGEST),
    }
    options = shlex.join(f"-{name}={value}" for name, value in given.items())
    return f"perl -se {shlex.quote(PROGRAM)} -- {options} {shlex.quote(root)}/var/lib/dpkg/info/*.list"


QUESTION = question()


class Walk(Frozen):
    """The files that a walk told of; of those that are `capable`, `what` says of what."""

    of_no_package: tuple[Standing, ...] = ()
    changed: tuple[Standing, ...] = ()
    privileged: tuple[Standing, ...] = ()
    capable: tuple[Standing, ...] = ()
    too_many_changed: bool = False


@cache
def walked(answer: str) -> Walk:
    """Return what a walk told.

    Raises:
        ValueError: it is not whole.
    """
    lists: dict[str, dict[str, Standing]] = {
        "nobodys": {},
        "changed": {},
        "privileged": {},
        "capable": {},
        "too-many": {},
    }
    for line in filter(None, answer.split("\n")):
        of, path, what, *more = map(_read, line.split("\t"))
        to, digest = more or ("", "")
        lists[of][path] = Standing(path=path, what=what, to=to, digest=digest)
    return Walk(
        of_no_package=tuple(lists["nobodys"].values()),
        changed=tuple(lists["changed"].values()),
        privileged=tuple(lists["privileged"].values()),
        capable=tuple(lists["capable"].values()),
        too_many_changed=bool(lists["too-many"]),
    )


def _read(word: str) -> str:
    """Return a word of an answer as it stands on the host; odd letters are told by number."""
    plain = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), word.encode())
    return plain.decode("utf-8", "backslashreplace")
