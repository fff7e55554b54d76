"""The emulator of devices, held to what others published."""
