// Package seccomp holds the list of system calls that a function may make.
//
// The list allows; what it doesn't name is refused. A list that forbids would let
// through every call that a newer kernel brings, and on amd64 the whole 32-bit
// ABI, which a filter by number does not see. [Program] assembles the list once,
// in Berth; [Install] puts the result around the calling process, which costs
// microseconds because nothing is assembled there.
//
// The package knows nothing of namespaces or capabilities: it is a wall of its
// own, and holds for root as well.
package seccomp

import "slices"

// allowed are the calls that need no look at their arguments. They are those of
// the Go, Python, Node, Java and Rust runtimes and of the C library under them,
// and nothing that acts on another process, on the machine or on a namespace.
// Names that an architecture doesn't have are passed over.
var allowed = slices.Concat(
	// The hottest first: kernels before 5.11 walk the list for every call.
	[]string{
		"futex", "epoll_pwait", "epoll_wait", "read", "write", "nanosleep", "clock_nanosleep",
		"clock_gettime", "madvise", "mmap", "munmap", "mprotect", "rt_sigprocmask", "rt_sigaction",
		"rt_sigreturn", "sched_yield", "getpid", "tgkill", "close", "openat", "fstat", "newfstatat",
	},
	// Memory.
	[]string{
		"brk", "mremap", "msync", "mincore", "mlock", "mlock2", "munlock", "mlockall", "munlockall",
		"membarrier", "memfd_create", "pkey_alloc", "pkey_free", "pkey_mprotect", "mseal",
		"map_shadow_stack", "remap_file_pages",
	},
	// Files, by path and by descriptor.
	[]string{
		"open", "openat2", "creat", "access", "faccessat", "faccessat2", "stat", "lstat", "statx",
		"statfs", "fstatfs", "lseek", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev",
		"preadv2", "pwritev2", "readahead", "fadvise64", "dup", "dup2", "dup3", "fcntl", "flock",
		"ioctl", "fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "truncate", "ftruncate",
		"fallocate", "getdents", "getdents64", "getcwd", "chdir", "fchdir", "rename", "renameat",
		"renameat2", "mkdir", "mkdirat", "rmdir", "link", "linkat", "unlink", "unlinkat", "symlink",
		"symlinkat", "readlink", "readlinkat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown",
		"fchown", "lchown", "fchownat", "umask", "mknod", "mknodat", "utime", "utimes", "utimensat",
		"futimesat", "copy_file_range", "sendfile", "splice", "tee", "vmsplice", "close_range",
		"cachestat", "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch",
		"getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr", "setxattr",
		"lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
	},
	// Waiting, events, pipes.
	[]string{
		"poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl",
		"epoll_pwait2", "eventfd", "eventfd2", "signalfd", "signalfd4", "timerfd_create",
		"timerfd_settime", "timerfd_gettime", "pipe", "pipe2", "pause", "futex_waitv", "futex_wake",
		"futex_wait", "futex_requeue", "restart_syscall",
	},
	// Sockets; socket itself is in conditional.
	[]string{
		"socketpair", "connect", "bind", "listen", "accept", "accept4", "shutdown", "getsockname",
		"getpeername", "getsockopt", "setsockopt", "sendto", "recvfrom", "sendmsg", "recvmsg",
		"sendmmsg", "recvmmsg",
	},
	// Processes, threads, and signals among them; clone is in conditional.
	[]string{
		"fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitid", "kill",
		"tkill", "rt_sigpending", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "rt_sigsuspend",
		"rt_sigtimedwait", "sigaltstack", "pidfd_open", "pidfd_send_signal", "gettid", "getppid",
		"getpgid", "getpgrp", "setpgid", "getsid", "setsid", "set_tid_address", "set_robust_list",
		"get_robust_list", "rseq", "arch_prctl", "prctl", "seccomp",
	},
	// Identity: the calls succeed only for the identity that is there already.
	[]string{
		"getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "setuid",
		"setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
		"setfsgid", "capget", "capset",
	},
	// Time, scheduling, limits.
	[]string{
		"time", "gettimeofday", "clock_getres", "getitimer", "setitimer", "alarm", "timer_create",
		"timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete", "times", "getrusage",
		"getrlimit", "setrlimit", "prlimit64", "getpriority", "setpriority", "ioprio_get",
		"ioprio_set", "sched_getaffinity", "sched_setaffinity", "sched_getattr", "sched_setattr",
		"sched_getparam", "sched_setparam", "sched_getscheduler", "sched_setscheduler",
		"sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval", "getcpu",
	},
	// The machine, as far as it may be known, and randomness.
	[]string{"uname", "sysinfo", "getrandom"},
	// System V and POSIX queues; the IPC namespace makes them private.
	[]string{
		"shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl", "semtimedop", "msgget",
		"msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive",
		"mq_notify", "mq_getsetattr",
	},
	// A function may wall itself off further.
	[]string{"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"},
)

// refused are the calls that answer EPERM, as they do to a user without
// privileges. Whatever stands in neither list answers ENOSYS, so that a C library
// takes its older road: clone3 is such a one, because its flags lie in memory
// where a filter can't read them.
var refused = []string{
	// New namespaces, mounts and roots.
	"clone", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount",
	"open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
	// Other processes' memory, descriptors and execution.
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",
	"pidfd_getfd", "kcmp", "move_pages", "migrate_pages", "mbind", "set_mempolicy",
	// Kernel code and kernel-wide state.
	"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
	"swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "fanotify_init",
	"fanotify_mark", "lookup_dcookie", "iopl", "ioperm", "modify_ldt", "vhangup", "personality",
	// Keys belong to the user ID, not to a namespace.
	"keyctl", "add_key", "request_key",
	// Files by handle walk past mounts.
	"open_by_handle_at", "name_to_handle_at",
	// The clock and the names of the machine.
	"clock_settime", "clock_adjtime", "settimeofday", "adjtimex", "sethostname", "setdomainname",
}
