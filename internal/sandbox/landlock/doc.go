// Package landlock starts execution environments as processes that Landlock walls
// in, for machines that forbid user namespaces.
//
// A function sees the file system as it is, and can open only its own code, its
// own temporary folder and what programs are made of. Of the network it has TCP to
// its own Runtime API. It can't signal or debug what is outside, reach abstract
// sockets, use queues, or change files by their path; it has no capabilities, and
// only the system calls that package seccomp names for programs without
// namespaces. What it still sees is in [Driver.NotWalled].
//
// Landlock belongs to a thread and what it starts. So there is no helper process:
// the thread of Berth that starts the command walls itself in before, and ends with
// the command.
package landlock
