//! Regions of the map: `within(polygon)` by the even-odd rule, a point on an edge or a corner being inside, and
//! `near(point, radius)`. Edges are sorted into bands by height, so that a lasso of ten thousand corners costs a point
//! little more than one of ten.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float32Type;

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::columns::{Datum, Lists, cast};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Signature, TypeSet, example, expression, param};
use crate::types::Type;

/// `x.within(polygon)`
struct Within;

static WITHIN: Within = Within;
static WITHIN_SIGNATURE: Signature = expression(
    "within",
    "Whether a 2-D point lies inside a polygon, its edges included.",
    &[param(
        "polygon",
        Kind::Expr(TypeSet::Any),
        Default::Required,
        "The corners, each `[x, y]`; the last is joined to the first.",
    )],
    &[example(
        r#"match(F("map").within([[0, 0], [4, 0], [4, 3], [0, 3]]))"#,
        "Keeps what a lasso encloses.",
    )],
);

fn corners(value: &Datum) -> Option<Vec<[f64; 2]>> {
    let Datum::List(items) = value else {
        return None;
    };
    items
        .iter()
        .map(|item| match item {
            Datum::List(pair) => match pair.as_slice() {
                [x, y] => Some([x.number()?, y.number()?]),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

fn point(args: &[Expr]) -> Result<(), Mismatch> {
    match &args[0].ty {
        Type::Vector(2) | Type::Null => Ok(()),
        Type::List(item) if item.is_number() => Ok(()),
        Type::Vector(d) => Err(Mismatch::new(0, format!("2-D points, not vectors of {d}"))
            .hint("reduce the vectors to two dimensions first: reduce(method=\"umap\", ...)")),
        _ => Err(Mismatch::new(0, "a field of 2-D points")),
    }
}

impl Function for Within {
    fn signature(&'static self) -> &'static Signature {
        &WITHIN_SIGNATURE
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        point(args)?;
        let corners = args[1].constant().as_ref().and_then(corners);
        let needs = "at least three distinct corners, each [x, y] of finite numbers";
        let Some(mut corners) = corners else {
            return Err(Mismatch::new(1, needs));
        };
        let finite = corners.iter().flatten().all(|x| x.is_finite());
        corners.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        corners.dedup();
        if corners.len() < 3 || !finite {
            return Err(Mismatch::new(1, needs));
        }
        Ok(Type::Bool)
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let polygon = Polygon::new(&corners(&call.constant(1)).unwrap_or_default());
        let points = Points::of(&call.column(0)?)?;
        Ok(call.test(|row| points.at(row).is_some_and(|point| polygon.has(point))))
    }
}

/// A column of points.
struct Points {
    flat: Vec<f64>,
    starts: Option<Vec<u32>>,
    valid: Option<arrow::buffer::NullBuffer>,
}

impl Points {
    fn of(array: &ArrayRef) -> Result<Points, Error> {
        if let Some(vectors) = array.as_fixed_size_list_opt() {
            let floats = vectors.values().as_primitive_opt::<Float32Type>();
            let flat = floats.map(|f| f.values().iter().map(|x| f64::from(*x)).collect());
            return Ok(Points {
                flat: flat.unwrap_or_default(),
                starts: None,
                valid: vectors.nulls().cloned(),
            });
        }
        let lists = Lists::of(array)?;
        let floats = cast(&lists.values, &Type::Float)?;
        let flat = crate::functions::float_values(&floats);
        let flat = flat.map(|f| f.iter().map(|x| x.unwrap_or(f64::NAN)).collect());
        Ok(Points {
            flat: flat.unwrap_or_default(),
            starts: Some(lists.offsets),
            valid: lists.valid,
        })
    }

    #[inline]
    fn at(&self, row: usize) -> Option<[f64; 2]> {
        if self.valid.as_ref().is_some_and(|valid| valid.is_null(row)) {
            return None;
        }
        let start = match &self.starts {
            None => row * 2,
            Some(starts) if starts[row + 1] - starts[row] == 2 => starts[row] as usize,
            Some(_) => return None,
        };
        Some([*self.flat.get(start)?, *self.flat.get(start + 1)?])
    }
}

/// A closed ring of edges, in bands by height.
struct Polygon {
    edges: Vec<[f64; 4]>,
    low: [f64; 2],
    high: [f64; 2],
    bands: Vec<Vec<u32>>,
}

impl Polygon {
    fn new(corners: &[[f64; 2]]) -> Polygon {
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for corner in corners {
            for k in 0..2 {
                low[k] = low[k].min(corner[k]);
                high[k] = high[k].max(corner[k]);
            }
        }
        let next = |at: usize| corners[(at + 1) % corners.len()];
        let edges: Vec<[f64; 4]> = (0..corners.len())
            .map(|at| [corners[at][0], corners[at][1], next(at)[0], next(at)[1]])
            .collect();
        let mut polygon = Polygon {
            bands: vec![Vec::new(); corners.len().clamp(1, 4096)],
            edges,
            low,
            high,
        };
        for at in 0..polygon.edges.len() {
            let [_, y0, _, y1] = polygon.edges[at];
            for band in polygon.band(y0.min(y1))..=polygon.band(y0.max(y1)) {
                polygon.bands[band].push(at as u32);
            }
        }
        polygon
    }

    fn band(&self, y: f64) -> usize {
        let height = self.high[1] - self.low[1];
        if height <= 0.0 {
            return 0;
        }
        let share = (y - self.low[1]) / height * self.bands.len() as f64;
        (share.max(0.0) as usize).min(self.bands.len() - 1)
    }

    fn has(&self, [x, y]: [f64; 2]) -> bool {
        // Written so that NaN, which is in no order with anything, is outside.
        let boxed = x >= self.low[0] && x <= self.high[0] && y >= self.low[1] && y <= self.high[1];
        if !boxed {
            return false;
        }
        let mut inside = false;
        for at in &self.bands[self.band(y)] {
            let [x0, y0, x1, y1] = self.edges[*at as usize];
            let cross = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0);
            let spans = x >= x0.min(x1) && x <= x0.max(x1) && y >= y0.min(y1) && y <= y0.max(y1);
            if cross == 0.0 && spans {
                return true;
            }
            if (y0 > y) != (y1 > y) && (cross > 0.0) == (y1 > y0) {
                inside = !inside;
            }
        }
        inside
    }
}

/// `x.near(point, radius)`
struct Near;

static NEAR: Near = Near;
static NEAR_SIGNATURE: Signature = expression(
    "near",
    "Whether a 2-D point lies within a radius of another.",
    &[
        param(
            "point",
            Kind::Expr(TypeSet::Any),
            Default::Required,
            "The middle, `[x, y]`.",
        ),
        param(
            "radius",
            Kind::Float {
                lo: 0.0,
                hi: f64::MAX,
            },
            Default::Required,
            "The greatest distance.",
        ),
    ],
    &[example(
        r#"match(F("map").near([1, 1], 0.5))"#,
        "Keeps what lies in a circle.",
    )],
);

impl Function for Near {
    fn signature(&'static self) -> &'static Signature {
        &NEAR_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        point(args)?;
        match args[1]
            .constant()
            .map(|middle| corners(&Datum::List(vec![middle])))
        {
            Some(Some(_)) => Ok(Type::Bool),
            _ => Err(Mismatch::new(1, "a point, [x, y]")),
        }
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let points = Points::of(&call.column(0)?)?;
        let middle = corners(&Datum::List(vec![call.constant(1)])).unwrap_or_default();
        let radius = call.constant(2).number().unwrap_or(0.0);
        let Some([a, b]) = middle.first().copied() else {
            return Ok(call.test(|_| false));
        };
        Ok(call.test(|row| {
            points
                .at(row)
                .is_some_and(|[x, y]| (x - a).hypot(y - b) <= radius)
        }))
    }
}

const fn method(function: &'static dyn Function) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Function(function),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[method(&WITHIN), method(&NEAR)];
