"""What this machine can establish."""
