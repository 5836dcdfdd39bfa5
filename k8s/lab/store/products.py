"""What the catalog sells: the sample's product ids and tags, so that one load plan fits both; our own words.

Source of ids: aws-containers/retail-store-sample-app 1.6, src/catalog/repository/products.json.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A kind of product."""

    name: str
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Something to buy."""

    id: str
    name: str
    description: str
    price: int
    """Whole dollars."""
    tag: Tag


ACCESSORIES = Tag(name="accessories", display_name="Accessories")
CLOTHING = Tag(name="clothing", display_name="Clothing")
FOOD = Tag(name="food", display_name="Food")
VEHICLES = Tag(name="vehicles", display_name="Vehicles")
TAGS = (ACCESSORIES, CLOTHING, FOOD, VEHICLES)

PRODUCTS = tuple(
    Product(id=id_, name=name, description=description, price=price, tag=tag)
    for id_, name, price, tag, description in (
        (
            "cc789f85-1476-452a-8100-9e74502198e0",
            "Pocket Watch",
            250,
            ACCESSORIES,
            (
                "A wind-up watch in a brass case with a second hand. The spring lasts for two days, "
                "the lid closes with a click one gets used to, and the leather pouch is included."
            ),
        ),
        (
            "87e89b11-d319-446d-b9be-50adcca5224a",
            "Storm Umbrella",
            125,
            CLOTHING,
            (
                "Wide enough for two and built for gusts: fibreglass ribs, a double canopy that lets wind "
                "through, and a handle with a small compass for the way home."
            ),
        ),
        (
            "4f18544b-70a5-4352-8e19-0d070f46745d",
            "Oxford Shoes",
            210,
            CLOTHING,
            (
                "Black or brown, welted, and made to be resoled. They take a week to fit and then stay for "
                "ten years. Spare laces are in the box, together with a cotton bag for each shoe."
            ),
        ),
        (
            "79bce3f3-935f-4912-8c62-0d2f3e059405",
            "Silk Bow Tie",
            70,
            CLOTHING,
            (
                "To be tied by hand; the folded leaflet shows how, in six steps, without mirrors. Woven, not "
                "printed, with an adjustable band that fits every collar."
            ),
        ),
        (
            "d27cf49f-b689-4a75-a249-d373e0330bb5",
            "Fountain Pen",
            150,
            ACCESSORIES,
            (
                "A piston filler with a steel nib in three widths. Writes at once, also after a month in "
                "a drawer, and comes with a bottle of blue-black ink."
            ),
        ),
        (
            "1ca35e86-4b4c-4124-b6b5-076ba4134d0d",
            "Sun Glasses",
            225,
            ACCESSORIES,
            (
                "Titanium frames, glasses that get darker with the sun, and hinges without screws that could "
                "be lost. The hard case also takes a cloth and a spare nose pad."
            ),
        ),
        (
            "631a3db5-ac07-492c-a994-8cd56923c112",
            "Stoneware Mug",
            40,
            ACCESSORIES,
            (
                "Holds three espressos or one coffee, keeps it warm for a while, and survives both the "
                "dishwasher and the office. Glazed by hand, so no two of them are alike."
            ),
        ),
        (
            "8757729a-c518-4356-8694-9e795a9b3237",
            "Liquorice Box",
            20,
            FOOD,
            (
                "Three kinds in a tin: sweet, salted, and one to be tried. Best shared with those who say "
                "they do not like liquorice, and best before they find out."
            ),
        ),
        (
            "d4edfedb-dbe9-4dd9-aae8-009489394955",
            "Travel Radio",
            190,
            ACCESSORIES,
            (
                "Receives everything from long wave to digital, runs for ever on its crank, "
                "and has one large knob that does what it says."
            ),
        ),
        (
            "a1258cd2-176c-4507-ade6-746dab5ad625",
            "River Skiff",
            10000,
            VEHICLES,
            (
                "Four metres of larch and oak with two pairs of oars, a mast and a lug sail. It rows well, "
                "sails better, and goes on a trailer behind a small car."
            ),
        ),
        (
            "d3104128-1d14-4465-99d3-8ab9267c687b",
            "Cargo Bicycle",
            9000,
            VEHICLES,
            (
                "Carries two children or a week of shopping, with a motor for hills and a belt that needs no "
                "oil. The box comes off in a minute and leaves a bicycle behind."
            ),
        ),
        (
            "d77f9ae6-e9a8-4a3e-86bd-b72af75cbc49",
            "Motor Sidecar",
            15000,
            VEHICLES,
            (
                "Fits most touring motorcycles built since 1980. A leather seat, room for luggage behind "
                "the backrest, and a brake of its own for the third wheel."
            ),
        ),
    )
)


def select(
    tags: tuple[str, ...] = (), *, order: str = "", page: int = 1, size: int = 10
) -> tuple[Product, ...]:
    """One page of the products with any of the tags (all, if none are given).

    *order* is ``price_asc``, ``price_desc`` or anything else for name order; pages count from 1.
    """
    found = [product for product in PRODUCTS if not tags or product.tag.name in tags]
    match order:
        case "price_asc":
            found.sort(key=lambda product: product.price)
        case "price_desc":
            found.sort(key=lambda product: -product.price)
        case _:
            found.sort(key=lambda product: product.name)
    return tuple(found[(page - 1) * size : page * size])
