/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the launcher to the plugin. A program in user mode runs cpuid with one of these
 * numbers in eax; on a real CPU these leaves do not exist. native/launcher/python/sitecustomize.py
 * has SAYS_LINE in machine code, and tests/unit/native/test_headers.py compares.
 */
#ifndef FAMULUS_SAYS_H
#define FAMULUS_SAYS_H

#define SAYS_PROCESS 0x46414d01u /* a process starts; ebx: process id, ecx: thread group */
#define SAYS_EXIT    0x46414d02u /* a process ends; ebx and ecx likewise */
#define SAYS_LINE    0x46414d03u /* ebx: the line of its script that the thread runs now */

#endif
