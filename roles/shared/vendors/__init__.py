"""One vendor a module: its `VENDOR`, a `roles.shared.vendor.Vendor`. A new vendor is one more, and its tests."""
