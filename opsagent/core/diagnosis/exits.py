"""What the exit statuses of a service mean when systemd itself gave them (systemd.exec(5), the whole table)."""

from __future__ import annotations

from opsagent.core.diagnosis.finding import Cause

# Nothing of the program ran: systemd could not set its process up.
OF_SYSTEMD: dict[int, tuple[Cause, str]] = {
    200: (Cause.MISSING_FILE, "its working directory cannot be entered"),
    201: (Cause.SANDBOX, "its niceness cannot be set"),
    202: (Cause.SANDBOX, "its file descriptors cannot be arranged"),
    203: (Cause.CANNOT_RUN, "its program cannot be executed"),
    204: (Cause.OUT_OF_MEMORY, "there was no memory to set it up"),
    205: (Cause.SANDBOX, "its resource limits cannot be set"),
    206: (Cause.SANDBOX, "its OOM score cannot be set"),
    207: (Cause.SANDBOX, "its signal mask cannot be set"),
    208: (Cause.SANDBOX, "its standard input cannot be opened"),
    209: (Cause.SANDBOX, "its standard output cannot be opened"),
    210: (Cause.MISSING_FILE, "its root directory cannot be entered"),
    211: (Cause.SANDBOX, "its I/O priority cannot be set"),
    212: (Cause.SANDBOX, "its timer slack cannot be set"),
    213: (Cause.SANDBOX, "its secure bits cannot be set"),
    214: (Cause.SANDBOX, "its CPU scheduling cannot be set"),
    215: (Cause.SANDBOX, "its CPU affinity cannot be set"),
    216: (Cause.UNKNOWN_USER, "its group does not exist or cannot be taken"),
    217: (Cause.UNKNOWN_USER, "its user does not exist or cannot be taken"),
    218: (Cause.SANDBOX, "its capabilities cannot be set"),
    219: (Cause.SANDBOX, "its control group cannot be set up"),
    220: (Cause.SANDBOX, "it cannot have a session of its own"),
    221: (Cause.SANDBOX, "its start was not confirmed at the console"),
    222: (Cause.SANDBOX, "its standard error cannot be opened"),
    224: (Cause.SANDBOX, "its PAM session cannot be opened"),
    225: (Cause.SANDBOX, "its network namespace cannot be set up"),
    226: (Cause.SANDBOX, "its mount namespace cannot be set up, often because a path that it names is missing"),
    227: (Cause.SANDBOX, "new privileges cannot be forbidden to it"),
    228: (Cause.SANDBOX, "its system call filter cannot be set"),
    229: (Cause.SANDBOX, "its SELinux context cannot be set"),
    230: (Cause.SANDBOX, "its execution domain cannot be set"),
    231: (Cause.SANDBOX, "its AppArmor profile cannot be taken"),
    232: (Cause.SANDBOX, "its address families cannot be limited"),
    233: (Cause.SANDBOX, "its runtime directory cannot be made"),
    235: (Cause.SANDBOX, "its socket cannot be given to its owner"),
    236: (Cause.SANDBOX, "its SMACK label cannot be set"),
    237: (Cause.SANDBOX, "its kernel keyring cannot be set up"),
    238: (Cause.SANDBOX, "its state directory cannot be made"),
    239: (Cause.SANDBOX, "its cache directory cannot be made"),
    240: (Cause.SANDBOX, "its logs directory cannot be made"),
    241: (Cause.SANDBOX, "its configuration directory cannot be made"),
    242: (Cause.SANDBOX, "its NUMA policy cannot be set"),
    243: (Cause.SANDBOX, "its credentials cannot be read"),
    244: (Cause.SANDBOX, "its BPF restrictions cannot be set"),
    245: (Cause.SANDBOX, "the merging of its memory cannot be set"),  # of systemd 254
}

# By convention of sysexits.h, of init scripts (LSB) and of shells; a program may mean something else by them.
BY_CUSTOM: dict[int, tuple[Cause, str]] = {
    5: (Cause.CANNOT_RUN, "not installed"),
    6: (Cause.BAD_CONFIGURATION, "not configured"),
    66: (Cause.MISSING_FILE, "an input file cannot be read"),
    67: (Cause.UNKNOWN_USER, "no such user"),
    68: (Cause.DNS, "no such host"),
    69: (Cause.DEPENDENCY_DOWN, "a service that it needs is not there"),
    71: (Cause.OUT_OF_MEMORY, "the system refused something, such as a new process"),
    72: (Cause.MISSING_FILE, "a file of the system is missing"),
    73: (Cause.PERMISSION_DENIED, "an output file cannot be made"),
    77: (Cause.PERMISSION_DENIED, "no permission"),
    78: (Cause.BAD_CONFIGURATION, "bad configuration"),
    126: (Cause.CANNOT_RUN, "a command cannot be executed"),
    127: (Cause.CANNOT_RUN, "a command was not found"),
}
