// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The only program in the initrd of a node that Famulus boots: load the modules that the disk
 * needs, mount the disk, execute its /sbin/init. No shell, no udev: under emulation they take 4 of
 * 10 seconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COVER      "/dev/famulus-boot-id"
#define DISK       "/dev/vda1"
#define TIMEOUT_MS 10000

static int complain(const char *step)
{
	fprintf(stderr, "famulus initrd: %s: %s\n", step, strerror(errno));
	return 1;
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		complain(path);
	if (fd >= 0)
		close(fd);
}

/* /modules lists the modules in the order of loading. */
static void load_all(void)
{
	char line[256];
	FILE *list = fopen("/modules", "re");
	while (list && fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = '\0';
		load(line);
	}
	if (list)
		fclose(list);
}

static int mount_disk(void)
{
	for (int waited = 0; waited < TIMEOUT_MS; waited += 10) {
		if (mount(DISK, "/root", "ext4", 0, "") == 0)
			return 0;
		if (errno != ENOENT && errno != ENXIO)
			return -1;
		usleep(10000);
	}
	return -1;
}

/* The kernel found no /dev/console when it started this program: open it now. */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR);
	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
}

/*
 * The kernel makes the boot id at the first read. In a node that will be frozen, no program may
 * read the boot id, so that each clone makes its own. A file with a fixed id is mounted over the
 * boot id; settle.sh unmounts that file.
 */
static void cover_boot_id(void)
{
	static const char id[] = "00000000-0000-4000-8000-000000000000\n";
	char line[4096] = "";
	mount("proc", "/proc", "proc", 0, "");
	FILE *arguments = fopen("/proc/cmdline", "re");
	if (!arguments)
		return;
	if (!fgets(line, sizeof(line), arguments) || !strstr(line, "famulus.settle"))
		line[0] = '\0';
	fclose(arguments);
	if (!line[0])
		return;
	int fd = open(COVER, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd < 0 || write(fd, id, sizeof(id) - 1) != (ssize_t)sizeof(id) - 1 ||
	    mount(COVER, "/proc/sys/kernel/random/boot_id", NULL, MS_BIND, NULL))
		complain("boot_id");
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	mkdir("/dev", 0755);
	mkdir("/root", 0755);
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, ""))
		return complain("devtmpfs");
	open_console();
	load_all();
	if (mount_disk())
		return complain("mount " DISK);
	if (mount("/dev", "/root/dev", NULL, MS_MOVE, NULL) || chdir("/root") ||
	    mount(".", "/", NULL, MS_MOVE, NULL) || chroot("."))
		return complain("switch to the disk");
	cover_boot_id();
	execl("/sbin/init", "/sbin/init", NULL);
	return complain("/sbin/init");
}
