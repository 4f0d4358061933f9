// Package namespace starts each execution environment in Linux namespaces of its
// own: user, mount, pid, network, ipc, uts and cgroup.
//
// # Inside
//
// The root is a memory file system that holds the host's /usr, /bin, /sbin and
// /lib read-only, a small /etc made up here, five devices, a /proc that shows the
// environment's own processes, the code at /var/task, and a private /tmp. There
// is no /dev/shm, as on Lambda, no /sys, and nothing else of the host. The user
// is sbx_user1051, without capabilities, without a way to get any, and with the
// system calls that package seccomp names.
//
// # The stage
//
// Berth runs itself in the new namespaces, as a stage: see [Stage]. The stage
// builds the root, opens the Runtime API's listener inside its own network
// namespace and hands it out to Berth, starts the command, and stays as process 1:
// it buries the dead, reports how the command ended, and ends with Berth, taking
// everything with it.
//
// # What it does not stop
//
// [Driver.NotWalled] has the list. Above all the kernel is shared: a hole in it is
// a hole in every wall.
package namespace
