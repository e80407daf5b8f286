"""What git asks of Flow Manager: a check of plans before a commit, and how branches of a plan merge."""
