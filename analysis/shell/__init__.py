"""What a shell is told: ``completion_cli`` completes the verbs, options and modes of the whole command."""
