//! Errors of the API: `{code, message, detail}` with a stable code.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::mover::AdvanceError;
use crate::site::SiteError;

/// An answer other than success.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    detail: Value,
}

impl ApiError {
    /// An error with no detail.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError { status, code, message: message.into(), detail: Value::Null }
    }

    /// Adds what a program can act on.
    pub fn with_detail(mut self, detail: Value) -> ApiError {
        self.detail = detail;
        self
    }

    /// The request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    /// What was asked for is not there.
    pub fn not_found(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    /// The token is missing or wrong.
    pub fn unauthorized(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// Our own failure, or the machine's.
    pub fn internal(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({"code": self.code, "message": self.message, "detail": self.detail});
        (self.status, Json(body)).into_response()
    }
}

impl From<SiteError> for ApiError {
    fn from(error: SiteError) -> ApiError {
        let message = error.to_string();
        match error {
            SiteError::Key(refusal) => {
                ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "key-refused", message)
                    .with_detail(json!({"kind": refusal.kind(), "converted": refusal.converted()}))
            }
            SiteError::Exists { .. } => ApiError::new(StatusCode::CONFLICT, "site-exists", message),
            SiteError::Unknown { .. } | SiteError::UnknownKey { .. } => ApiError::not_found(message),
            SiteError::BadCode { .. } | SiteError::Address(_) | SiteError::Incomplete => {
                ApiError::bad_request(message)
            }
            SiteError::Disk { .. } => ApiError::internal(message),
        }
    }
}

impl From<AdvanceError> for ApiError {
    fn from(error: AdvanceError) -> ApiError {
        match error {
            AdvanceError::Backwards(_) => ApiError::new(StatusCode::CONFLICT, "backwards", error.to_string()),
            _ => ApiError::bad_request(error.to_string()),
        }
    }
}

impl From<JsonRejection> for ApiError {
    fn from(error: JsonRejection) -> ApiError {
        ApiError::bad_request(format!("the body must be JSON of the documented shape: {}", error.body_text()))
    }
}

impl From<QueryRejection> for ApiError {
    fn from(error: QueryRejection) -> ApiError {
        ApiError::bad_request(format!("the query is not of the documented shape: {}", error.body_text()))
    }
}

impl From<PathRejection> for ApiError {
    fn from(error: PathRejection) -> ApiError {
        ApiError::bad_request(format!("the path is not of the documented shape: {}", error.body_text()))
    }
}

/// Parts of the path, whose mistakes are answered in the shape of all errors.
pub struct Path<T>(pub T);

impl<T: serde::de::DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>, ApiError> {
        let axum::extract::Path(value) = axum::extract::Path::from_request_parts(parts, state).await?;
        Ok(Path(value))
    }
}

/// The query, likewise.
pub struct Query<T>(pub T);

impl<T: serde::de::DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Query<T>, ApiError> {
        let axum::extract::Query(value) = axum::extract::Query::from_request_parts(parts, state).await?;
        Ok(Query(value))
    }
}

/// A JSON body whose mistakes are answered in the shape of all errors.
pub struct Body<T>(pub T);

impl<T: serde::de::DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, ApiError> {
        let Json(value) = Json::<T>::from_request(request, state).await?;
        Ok(Body(value))
    }
}

/// No such path.
pub async fn no_such_route(uri: Uri) -> ApiError {
    ApiError::not_found(format!(
        "there is nothing at {}; the API lies below /api/v1, the page at /",
        uri.path()
    ))
}

/// The path is there, the method is not.
pub async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        format!("{method} is not possible at {}", uri.path()),
    )
}
