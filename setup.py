"""Build a wheel that holds all that samdrift needs: templates and state checks lie outside the packages in a checkout.

`inventory.paths` finds them in both. Everything else about the project is in pyproject.toml.
"""

from setuptools import find_namespace_packages, setup

OUTSIDE = {"roles._templates": "templates", "deploy.verify._checks": "tests/state"}


def packages(*include: str, where: str = ".") -> list[str]:
    """Find every directory: to setuptools, one with data alone is a package too."""
    return find_namespace_packages(where, include=include, exclude=["*__pycache__*"])


within = packages("inventory*", "roles*", "deploy*")
outside = [f"{name}.{p}" for name, directory in OUTSIDE.items() for p in packages("*", where=directory)]
setup(packages=[*within, *OUTSIDE, *outside], package_dir=OUTSIDE, package_data={"": ["*"]})
