"""The command line: the same verbs as the app. Heavy imports happen inside the verbs, so that listing is quick."""
