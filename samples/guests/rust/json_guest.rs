//! Works on JSON texts, in Rust without a crate.
//!
//! * `localize`: the input with every string value replaced by what the host function `translate(text, language)` makes of it. Names of members, numbers and
//!   the order stay; white space goes. The configuration key `language` says into which language, `en` without.
//! * `fetch`: the input is a URL; the output is the JSON that a GET finds there, without its white space. Another status than 200 is an error text with that
//!   status as the exit code.

mod host;
mod json;

use host::Block;

/// The call's end as the host sees it: a non-zero exit code comes with an error text.
fn finish(result: Result<String, (i32, String)>) -> i32 {
    match result {
        Ok(text) => {
            host::set_output(text.as_bytes());
            0
        }
        Err((code, message)) => {
            host::set_error(&message);
            code
        }
    }
}

#[no_mangle]
pub extern "C" fn localize() -> i32 {
    finish(run_localize())
}

fn run_localize() -> Result<String, (i32, String)> {
    let input = host::input();
    let language = host::config("language").unwrap_or_else(|| "en".to_string());
    let mut count = 0u32;
    let output = json::rewrite(&input, |text| {
        count += 1;
        // The blocks of the parameters are ours before and after; dropping them frees them.
        let text = Block::of(text.as_bytes());
        let language = Block::of(language.as_bytes());
        let result = Block::from_handle(unsafe { host::translate(text.handle(), language.handle()) });
        String::from_utf8_lossy(&result.to_vec()).into_owned()
    })
    .map_err(|error| (1, error.to_string()))?;
    host::log_debug(&["translated ", &count.to_string(), " texts"].concat());
    Ok(output)
}

#[no_mangle]
pub extern "C" fn fetch() -> i32 {
    finish(run_fetch())
}

fn run_fetch() -> Result<String, (i32, String)> {
    let url = host::input();
    let url = String::from_utf8(url).map_err(|_| (1, "the URL is not UTF-8".to_string()))?;
    let mut request = String::from("{\"method\":\"GET\",\"headers\":{\"accept\":\"application/json\"},\"url\":");
    json::write_string(&mut request, &url);
    request.push('}');
    let (status, body) = host::http(&request);
    if status != 200 {
        return Err((status, ["the server answered ", &status.to_string()].concat()));
    }
    json::rewrite(&body, |text| text.to_string()).map_err(|error| (1, error.to_string()))
}
