"""The lab's API server, alone and with its real clients."""
