"""What each routing mode would do to a Service, before anything is changed."""
