"""A Windows registry in memory, as far as `longwire.install.registry.Registry` goes."""

from longwire.install.registry import RegistryKey


class FakeRegistry:
    def __init__(self) -> None:
        self.keys: dict[RegistryKey, dict[str, object]] = {}

    def put(self, key: RegistryKey, **values: object) -> None:
        for each in (*key.parents(), key):
            self.keys.setdefault(each, {})
        self.keys[key] |= values

    def exists(self, key: RegistryKey) -> bool:
        return key in self.keys

    def default(self, key: RegistryKey) -> str | None:
        value = self.keys.get(key, {}).get("")
        return value if isinstance(value, str) else None

    def values(self, key: RegistryKey) -> dict[str, object]:
        return {name: value for name, value in self.keys.get(key, {}).items() if name}

    def set_default(self, key: RegistryKey, value: str) -> None:
        self.put(key)
        self.keys[key][""] = value

    def delete(self, key: RegistryKey) -> None:
        if any(key in other.parents() for other in self.keys):
            raise OSError(f"{key} has keys below it")
        del self.keys[key]

    def is_empty(self, key: RegistryKey) -> bool:
        return self.keys.get(key) == {} and not any(key in other.parents() for other in self.keys)
