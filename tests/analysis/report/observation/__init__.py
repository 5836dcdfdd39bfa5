"""An observation as pages and tables."""
