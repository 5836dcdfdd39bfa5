"""What a command line understands and shows: ``quantities`` reads lengths of time and amounts with their
units, ``help_text`` lays out a help page, ``json_text`` writes and reads values for programs.
"""
