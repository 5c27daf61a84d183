# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Threads, mmap, big objects, garbage and subprocesses; prints what it made."""
import gc
import hashlib
import mmap
import subprocess
import sys
import threading

PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def big_objects(number, results):
    made = hashlib.sha256()
    for i in range(60):
        block = bytes([number + i & 255]) * (1 << 20)
        parts = [bytearray(block[:n * 1000]) for n in range(1, 40)]
        parts.append(parts)
        made.update(b"".join(parts[:-1]))
        del parts, block
    results[number] = made.hexdigest()[:16]


def mappings(number, results):
    made = hashlib.sha256()
    for i in range(200):
        with mmap.mmap(-1, 16 * mmap.PAGESIZE, PRIVATE) as area:
            area[:] = bytes([number + i & 255]) * len(area)
            area.madvise(mmap.MADV_DONTNEED, 0, 4 * mmap.PAGESIZE)
            if i % 3 == 0:
                area.resize(32 * mmap.PAGESIZE)
            made.update(area)
    results[number] = made.hexdigest()[:16]


def in_threads():
    results = {}
    threads = [threading.Thread(target=work, args=(number, results))
               for number, work in enumerate([big_objects, mappings] * 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[n] for n in sorted(results)]


def in_processes():
    script = "import mmap; print(sum(len(mmap.mmap(-1, 1 << 20)) for _ in 'abc'))"
    return [subprocess.run([sys.executable, "-c", script], check=True,
                           capture_output=True, text=True).stdout.strip()
            for _ in range(4)]


print(in_threads())
print(in_processes())
print(gc.collect() > 0, digest(bytes(1 << 24)))
