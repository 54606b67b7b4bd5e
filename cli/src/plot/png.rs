//! A scene as PNG: points stamped as anti-aliased discs, shapes and letters by tiny-skia.
//!
//! Stamping is a multiply and an add a pixel; filling a path a point would cost seconds for a million points.

use image::ImageEncoder;
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform,
};

use super::color::Rgb;
use super::scene::{Anchor, Disc, FAINT, Framed, PAGE, Scene, Text};
use super::typeface;

/// PNG bytes at `scale` pixels a unit, 0.25 to 8.
pub fn draw(scene: &Scene<'_>, scale: f32) -> Result<Vec<u8>, String> {
    let scale = scale.clamp(0.25, 8.0);
    let (width, height) = ((PAGE.0 * scale) as u32, (PAGE.1 * scale) as u32);
    let mut page = Pixmap::new(width, height).ok_or("the picture would be too large")?;
    page.fill(Color::WHITE);
    for disc in &scene.discs {
        stamp(&mut page, disc, scene.radius * scale, scene.alpha, scale);
    }
    for &(from, to) in &scene.leaders {
        let mut path = PathBuilder::new();
        path.move_to(from[0], from[1]);
        path.line_to(to[0], to[1]);
        stroke(&mut page, path.finish(), FAINT, 0.8, scale);
    }
    scene
        .pictures
        .iter()
        .for_each(|framed| picture(&mut page, framed, scale));
    if let Some(([x, y], [w, h], colors)) = &scene.bar {
        let step = h / colors.len() as f32;
        for (at, color) in colors.iter().enumerate() {
            // Each step reaches into the next, so that no seam shows between them.
            let top = y + h - step * (at as f32 + 1.0);
            fill(
                &mut page,
                Rect::from_xywh(*x, top, *w, step + 0.5).map(PathBuilder::from_rect),
                *color,
                scale,
            );
        }
    }
    for swatch in &scene.swatches {
        fill(
            &mut page,
            PathBuilder::from_circle(swatch.at[0], swatch.at[1], 5.5),
            swatch.color,
            scale,
        );
    }
    for text in scene.texts.iter().filter(|text| text.halo) {
        stroke(&mut page, outline(text), [255; 3], 3.5, scale);
    }
    for text in &scene.texts {
        fill(&mut page, outline(text), text.color, scale);
    }
    // The page is opaque, so premultiplied and straight alpha are the same bytes.
    encode(width, height, page.data())
}

/// PNG bytes of straight RGBA pixels.
pub fn encode(width: u32, height: u32, rgba: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    image::codecs::png::PngEncoder::new(&mut out)
        .write_image(rgba, width, height, image::ExtendedColorType::Rgba8)
        .map_err(|error| error.to_string())?;
    Ok(out)
}

fn stamp(page: &mut Pixmap, disc: &Disc, radius: f32, alpha: f32, scale: f32) {
    let (width, height) = (page.width() as i32, page.height() as i32);
    let (cx, cy) = (disc.at[0] * scale, disc.at[1] * scale);
    let reach = radius + 1.0;
    let pixels = page.data_mut();
    for y in ((cy - reach).floor() as i32).max(0)..((cy + reach).ceil() as i32).min(height) {
        for x in ((cx - reach).floor() as i32).max(0)..((cx + reach).ceil() as i32).min(width) {
            let far = (x as f32 + 0.5 - cx).hypot(y as f32 + 0.5 - cy);
            let cover = (radius + 0.5 - far).clamp(0.0, 1.0) * alpha;
            if cover > 0.0 {
                let at = 4 * (y as usize * width as usize + x as usize);
                for (to, from) in pixels[at..at + 3].iter_mut().zip(disc.color) {
                    let mixed = f32::from(*to) + (f32::from(from) - f32::from(*to)) * cover;
                    *to = mixed.round() as u8;
                }
            }
        }
    }
}

fn paint([r, g, b]: Rgb) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(r, g, b, 255);
    paint.anti_alias = true;
    paint
}

/// Fills a path.
pub(super) fn fill(page: &mut Pixmap, path: Option<Path>, color: Rgb, scale: f32) {
    if let Some(path) = path {
        page.fill_path(
            &path,
            &paint(color),
            FillRule::Winding,
            Transform::from_scale(scale, scale),
            None,
        );
    }
}

/// Strokes a path with round ends.
pub(super) fn stroke(page: &mut Pixmap, path: Option<Path>, color: Rgb, width: f32, scale: f32) {
    if let Some(path) = path {
        let stroke = Stroke {
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        page.stroke_path(
            &path,
            &paint(color),
            &stroke,
            Transform::from_scale(scale, scale),
            None,
        );
    }
}

/// The shapes of a text's letters.
pub(super) fn outline(text: &Text) -> Option<Path> {
    let width = typeface::width(&text.text, text.size, text.weight);
    let x = match text.anchor {
        Anchor::Start => text.at[0],
        Anchor::Middle => text.at[0] - width / 2.0,
        Anchor::End => text.at[0] - width,
    };
    typeface::outline(&text.text, x, text.at[1], text.size, text.weight)
}

fn picture(page: &mut Pixmap, framed: &Framed<'_>, scale: f32) {
    let [x, y] = framed.at;
    let frame = rounded(x, y, framed.side, 6.0);
    fill(page, frame.clone(), [255; 3], scale);
    stroke(page, frame, framed.color, 2.0, scale);
    let source = framed.picture;
    let Some(mut pixels) = Pixmap::new(source.width, source.height) else {
        return;
    };
    if source.rgba.len() != pixels.data().len() {
        return;
    }
    for (to, from) in pixels
        .data_mut()
        .chunks_exact_mut(4)
        .zip(source.rgba.chunks_exact(4))
    {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            to[channel] = ((u32::from(from[channel]) * alpha + 127) / 255) as u8;
        }
        to[3] = from[3];
    }
    let inner = framed.side - 6.0;
    let fit = inner / source.width.max(source.height).max(1) as f32;
    let (w, h) = (source.width as f32 * fit, source.height as f32 * fit);
    let place = Transform::from_scale(fit * scale, fit * scale).post_translate(
        (x + 3.0 + (inner - w) / 2.0) * scale,
        (y + 3.0 + (inner - h) / 2.0) * scale,
    );
    let paint = tiny_skia::PixmapPaint {
        quality: tiny_skia::FilterQuality::Bicubic,
        ..Default::default()
    };
    page.draw_pixmap(0, 0, pixels.as_ref(), &paint, place, None);
}

fn rounded(x: f32, y: f32, side: f32, r: f32) -> Option<Path> {
    // The distance of a control point that makes a cubic a quarter circle.
    let k = r * (1.0 - 0.552_284_8);
    let (right, bottom) = (x + side, y + side);
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.line_to(right - r, y);
    path.cubic_to(right - k, y, right, y + k, right, y + r);
    path.line_to(right, bottom - r);
    path.cubic_to(right, bottom - k, right - k, bottom, right - r, bottom);
    path.line_to(x + r, bottom);
    path.cubic_to(x + k, bottom, x, bottom - k, x, bottom - r);
    path.line_to(x, y + r);
    path.cubic_to(x, y + k, x + k, y, x + r, y);
    path.close();
    path.finish()
}

#[cfg(test)]
mod tests {
    use crate::plot::{Coloring, Picture, sample};

    #[test]
    fn a_map_has_its_colours_and_its_size() {
        let mut map = sample::islands(3, 40);
        map.pictures = vec![Picture {
            group: 1,
            width: 2,
            height: 1,
            rgba: vec![255, 0, 0, 255, 0, 0, 0, 0],
        }];
        let picture = image::load_from_memory(&map.png(1.0).unwrap())
            .unwrap()
            .to_rgb8();
        assert_eq!(picture.dimensions(), (1280, 900));
        let colored = picture
            .pixels()
            .filter(|p| p.0.iter().max().unwrap() - p.0.iter().min().unwrap() > 40)
            .count();
        assert!(colored > 500, "{colored}");
    }

    #[test]
    fn values_get_a_colour_bar() {
        let mut map = sample::islands(2, 10);
        let of = (0..20).map(|i| (i != 3).then_some(f64::from(i))).collect();
        map.coloring = Coloring::Values {
            field: "uniqueness".to_owned(),
            of,
        };
        assert!(map.svg().contains("linearGradient"));
        assert!(map.png(0.5).unwrap().len() > 1000);
    }
}
