"""What a lab shall be: settings, scenario files, addresses, first objects. Values."""
