"""The demonstration: a small real project, and the ways to show Flow Manager on it."""
