"""What an editor and an operator do with an issue: one function each, for every door (commands, web, weekly job)."""
