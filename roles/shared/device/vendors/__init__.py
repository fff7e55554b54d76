"""One vendor a module: its `VENDOR`, a `roles.shared.device.vendor.Vendor`. A new vendor is one more, and its tests."""
