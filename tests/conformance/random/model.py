# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a scenario has made so far: as much of the kernel's state as it takes to
know which command is valid next, and which would wait."""


class Object:
    """A1: what get or register has linked into an address space."""

    def __init__(self, slot, number, users):
        self.slot, self.number, self.users = slot, number, users
        self.name = f"{slot.name}{number}"


class Slot:
    """A: operations, and how they are told to behave."""

    def __init__(self, name):
        self.name = name
        self.made = 0           # objects, ever
        self.keys = {}          # "putrel": 1

    def has(self, operation):
        return self.keys.get(operation, 1) != 0

    def get(self, key):
        return self.keys.get(key, 0)


class Interval:
    def __init__(self, number):
        self.number = number
        self.refuses = False    # ranges that may not block
        self.mm = None
        self.start = self.end = self.seq = 0
        self.deferred = None    # "insert", "remove"

    def hit_by(self, start, end):
        return self.start < end and start < self.end


class Range:
    """One that has begun: of a helper, or of S by "istart"."""

    def __init__(self, start, end, counted):
        self.start, self.end = start, end
        self.counted = counted  # there were intervals when it began


class Mm:
    """An address space: its list, newest first, and its intervals."""

    def __init__(self):
        self.objects = []
        self.intervals = []     # in the tree
        self.deferred = []      # newest first
        self.known = False      # it has had a notifier
        self.has_tree = False
        self.alive = True
        self.seq = 2
        self.active = 0

    # -- classic notifiers --

    def found(self, slot):
        """What get would find."""
        for each in self.objects:
            if each.slot is slot:
                return each
        return None

    def link(self, slot):
        slot.made += 1
        self.known = True
        self.objects.insert(0, Object(slot, slot.made, 1))
        return self.objects[0]

    # -- intervals: mn_itree_*() of the kernel --

    def invalidating(self):
        return self.seq & 1

    def hits(self, start, end):
        return sorted((i for i in self.intervals if i.hit_by(start, end)),
                      key=lambda i: i.start)

    def begin(self, start, end):
        """The range, and what it hits.  Callbacks are not called yet."""
        if not self.has_tree:
            return Range(start, end, False), []
        self.active += 1
        hits = self.hits(start, end)
        if hits:
            self.seq |= 1
        return Range(start, end, True), hits

    def finish(self, range_):
        if not range_.counted:
            return
        self.active -= 1
        if self.active or not self.invalidating():
            return
        self.seq += 1
        for each in self.deferred:
            if each.deferred == "insert":
                self.intervals.append(each)
            else:
                self.intervals.remove(each)
                each.mm = None
            each.deferred = None
        self.deferred = []

    def insert(self, interval, start, end):
        interval.mm, interval.start, interval.end = self, start, end
        self.known = self.has_tree = True
        if self.active and self.invalidating():
            interval.deferred = "insert"
            self.deferred.insert(0, interval)
        else:
            self.intervals.append(interval)
        if self.active:
            self.seq |= 1
        interval.seq = self.seq if self.active else self.seq - 1

    def remove(self, interval):
        """Is it gone at once?"""
        if self.invalidating() and interval.deferred != "insert":
            interval.deferred = "remove"
            self.deferred.insert(0, interval)
            return False
        if interval.deferred:
            self.deferred.remove(interval)
            interval.deferred = None
        else:
            self.intervals.remove(interval)
        interval.mm = None
        return True

    def read_waits(self, interval):
        return interval.seq == self.seq
