//! Rows of named values as aligned columns, for people.

use serde_json::Value;

/// Rows as aligned columns, each headed by its name. Rows of another shape begin a table of their own.
pub(crate) fn table(rows: &[Value]) -> String {
    let keys = |row: &Value| -> Vec<String> {
        row.as_object().map_or_else(Vec::new, |object| object.keys().cloned().collect())
    };
    let mut text = String::new();
    for group in rows.chunk_by(|a, b| keys(a) == keys(b)) {
        let head = keys(&group[0]);
        let mut lines = vec![head.clone()];
        lines.extend(group.iter().map(|row| head.iter().map(|key| cell(&row[key.as_str()])).collect()));
        let widths: Vec<usize> = (0..head.len())
            .map(|column| lines.iter().map(|line: &Vec<String>| line[column].len()).max().unwrap_or(0))
            .collect();
        for line in &lines {
            let padded: Vec<String> =
                line.iter().zip(&widths).map(|(value, width)| format!("{value:<width$}")).collect();
            text.push_str(padded.join("  ").trim_end());
            text.push('\n');
        }
    }
    text
}

fn cell(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_aligned_and_shapes_kept_apart() {
        let rows = [json!({"a": 1, "b": "xyz"}), json!({"a": 100, "b": ""}), json!({"c": true})];
        assert_eq!(table(&rows), "a    b\n1    xyz\n100\nc\ntrue\n");
    }
}
