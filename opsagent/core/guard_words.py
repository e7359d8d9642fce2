"""What a guard's no is called in the title of a page, in a few words."""

OF_GUARD = {
    "hold": "HOLD is set",
    "security": "it is about security",
    "mode": "mode is observe",
    "armed": "it is only watched",
    "denied": "never restarted by rule",
    "masked": "its unit is masked",
    "disabled": "its unit is disabled",
    "oneshot": "it is a oneshot",
    "change": "a restart would be a deploy",
    "deploy": "it was just changed",
    "dependency": "what it needs is down",
    "cause": "a restart cannot help",
    "experience": "what is allowed never helped before",
    "budget": "its repair budget is spent",
}
