// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "release.h"

#include "keep.h"
#include "say.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field)         BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define IF(value, skip)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip, 0)
#define ANSWER(value)       BPF_STMT(BPF_RET | BPF_K, value)

/* A process that was let go. Its callers wait until the launcher has ceased to trace all its
 * tasks. */
struct released {
	pid_t process; /* 0: the place is free */
	int pidfd;
	unsigned waiting;
	uint64_t caller[8]; /* ids of calls that wait; more calls wait for the kernel's next try */
};

static struct released released[RELEASE_MAX];
static int listener = -1;
static const char *maps_folder;

int release_filter(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		UNLESS(AUDIT_ARCH_X86_64, 6),
		LOAD(nr),
		UNLESS(SYS_ptrace, 4),
		LOAD(args[0]),
		IF(PTRACE_TRACEME, 3),
		IF(PTRACE_ATTACH, 2),
		IF(PTRACE_SEIZE, 1),
		ANSWER(SECCOMP_RET_ALLOW),
		ANSWER(SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};
	if (geteuid() != 0)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

void release_begin(pid_t process, int fd, const char *folder)
{
	int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
	maps_folder = folder;
	if (fd >= 0 && pidfd >= 0)
		listener = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (pidfd >= 0)
		close(pidfd);
}

unsigned release_poll(struct pollfd *at)
{
	unsigned count = 0;
	at[count++] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (unsigned i = 0; i < RELEASE_MAX; i++)
		if (released[i].process)
			at[count++] = (struct pollfd){.fd = released[i].pidfd, .events = POLLIN};
	return count;
}

bool release_waits(void)
{
	for (unsigned i = 0; i < RELEASE_MAX; i++)
		if (released[i].process)
			return true;
	return false;
}

static struct released *find(pid_t process)
{
	for (unsigned i = 0; i < RELEASE_MAX; i++)
		if (released[i].process == process)
			return &released[i];
	return NULL;
}

bool release_has(pid_t process)
{
	return find(process);
}

static void answer(uint64_t id)
{
	struct seccomp_notif_resp response = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response); /* fails if the caller has ended */
}

static void answer_all(struct released *one)
{
	while (one->waiting)
		answer(one->caller[--one->waiting]);
}

/* The task's stop completes the release, see release_detach(). */
static void leave(struct task *task)
{
	task->leaves = true;
	ptrace(PTRACE_INTERRUPT, task->task, 0, 0);
}

static struct released *let_go(pid_t process)
{
	struct released *one = find(process);
	if (one)
		return one;
	one = find(0);
	int pidfd = one ? (int)syscall(SYS_pidfd_open, process, 0) : -1;
	if (pidfd < 0)
		return NULL;
	*one = (struct released){.process = process, .pidfd = pidfd};
	keep_maps(maps_folder, process, process);
	for (struct task *task = tasks; task; task = task->next)
		if (task->group == process)
			leave(task);
	return one;
}

static void called(const struct seccomp_notif *call)
{
	bool own = call->data.args[0] == PTRACE_TRACEME;
	struct task *target = task_find(own ? (pid_t)call->pid : (pid_t)call->data.args[1]);
	struct released *one = target ? let_go(target->group) : NULL;
	if (one && one->waiting < sizeof(one->caller) / sizeof(*one->caller))
		one->caller[one->waiting++] = call->id;
	else
		answer(call->id);
}

static void receive(void)
{
	union { /* the kernel's structure may be larger */
		struct seccomp_notif call;
		char room[4096];
	} received;
	memset(&received, 0, sizeof(received));
	if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &received))
		called(&received.call);
}

static void has_ended(struct released *one)
{
	say_exit(one->process);
	answer_all(one);
	close(one->pidfd);
	one->process = 0;
}

static bool is_ready(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	return poll(&one, 1, 0) == 1 && one.revents & POLLIN;
}

void release_handle(void)
{
	for (unsigned i = 0; i < RELEASE_MAX; i++)
		if (released[i].process && is_ready(released[i].pidfd))
			has_ended(&released[i]);
	if (listener >= 0 && is_ready(listener))
		receive();
}

void release_detach(struct task *task, int signal)
{
	struct released *one = find(task->group);
	ptrace(PTRACE_DETACH, task->task, 0, signal);
	task_forget(task);
	if (one && !task_is_process(one->process))
		answer_all(one);
}
