"""The rule for runs that may train in one stack of replicas."""

from fairgrid.experiments.config.run import RunConfig, canonical_json


def stack_key(config: RunConfig) -> str:
    """A key that is equal for configurations that may train in one stack."""
    if config.engine == "pytorch":
        return config.canonical_json
    optimizer = config.optimizer
    fixed = {
        name: optimizer.options.get(name, option.default)
        for name, option in optimizer.known_options.items()
        if not option.stackable
    }
    common = {key: value for key, value in config.canonical.items() if key not in ("optimizer", "initializer")}
    own = {name: module.content for name, module in config.own_modules.items()}
    return canonical_json({**common, "optimizer": [optimizer.class_path, fixed], "own": own})
