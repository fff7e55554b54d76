"""`python -m deploy.cli`: the program, without the script that installing it makes."""

from deploy.cli.entry import main

main()
