class Catalog:
    @classmethod
    def standard(cls, roots):
        return cls()
