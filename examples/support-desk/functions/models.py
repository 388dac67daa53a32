from dataclasses import dataclass, field
from decimal import Decimal


@dataclass
class OrderLine:
    sku: str
    quantity: int
    price: Decimal


@dataclass
class OrderDetails:
    """Put into `conv.state` while the call is on."""

    order_id: str
    loyalty_id: str | None = None
    items: list[OrderLine] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum((line.quantity * line.price for line in self.items), Decimal("0"))
