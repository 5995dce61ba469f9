#include "core/gateway/openapi.hpp"

#include <fmt/format.h>

#include <map>

#include "core/base/json.hpp"
#include "core/gateway/errors.hpp"

namespace skerry::gateway {
namespace {

constexpr const char* kDocument = R"json({
  "openapi": "3.0.3",
  "info": {
    "title": "Skerry services",
    "version": "1",
    "description": "Models that answer on this edge, and on the cloud where an example is hard."
  },
  "security": [{}, {"token": []}],
  "paths": {
    "/v1/services/{name}/predict": {
      "post": {
        "operationId": "predict",
        "summary": "Asks a service about one example.",
        "parameters": [
          {"name": "name", "in": "path", "required": true, "schema": {"type": "string"}},
          {"$ref": "#/components/parameters/Shape"},
          {"$ref": "#/components/parameters/Dtype"},
          {"$ref": "#/components/parameters/DeadlineHeader"},
          {"$ref": "#/components/parameters/DeadlineQuery"},
          {"$ref": "#/components/parameters/LabelHeader"},
          {"$ref": "#/components/parameters/LabelQuery"}
        ],
        "requestBody": {
          "required": true,
          "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Question"}},
            "application/octet-stream": {
              "schema": {
                "type": "string",
                "format": "binary",
                "description": "The elements of a tensor, little-endian, row by row."
              }
            },
            "image/*": {"schema": {"type": "string", "format": "binary"}}
          }
        },
        "responses": {
          "200": {
            "description": "The service's answer.",
            "content": {
              "application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}
            }
          }
        }
      }
    },
    "/v1/services": {
      "get": {
        "operationId": "services",
        "summary": "Lists the services of this host.",
        "responses": {
          "200": {
            "description": "The services.",
            "content": {
              "application/json": {
                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Service"}}
              }
            }
          }
        }
      }
    },
    "/v1/openapi.json": {
      "get": {
        "operationId": "openapi",
        "summary": "This document.",
        "responses": {
          "200": {
            "description": "An OpenAPI document.",
            "content": {"application/json": {"schema": {"type": "object"}}}
          }
        }
      }
    },
    "/healthz": {
      "get": {
        "operationId": "health",
        "summary": "Tells whether this host answers at all.",
        "responses": {
          "200": {
            "description": "It does.",
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "required": ["status"],
                  "properties": {"status": {"type": "string", "enum": ["ok"]}}
                }
              }
            }
          }
        }
      }
    }
  },
  "components": {
    "securitySchemes": {
      "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "Where the edge is started with a token."
      }
    },
    "parameters": {
      "Shape": {
        "name": "Skerry-Shape",
        "in": "header",
        "description": "With application/octet-stream, which needs it, here or as shape in the query.",
        "schema": {"type": "string"},
        "example": "1,28,28"
      },
      "Dtype": {
        "name": "Skerry-Dtype",
        "in": "header",
        "description": "With application/octet-stream, here or as dtype in the query.",
        "schema": {"type": "string", "enum": ["uint8", "float32"], "default": "uint8"}
      },
      "DeadlineHeader": {
        "name": "Skerry-Deadline-Ms",
        "in": "header",
        "description": "Milliseconds for which an answer is of use, from when the question has come.",
        "schema": {"$ref": "#/components/schemas/Deadline"}
      },
      "DeadlineQuery": {
        "name": "deadlineMs",
        "in": "query",
        "schema": {"$ref": "#/components/schemas/Deadline"}
      },
      "LabelHeader": {
        "name": "Skerry-Label",
        "in": "header",
        "description": "The right class, where it is known.",
        "schema": {"$ref": "#/components/schemas/Label"}
      },
      "LabelQuery": {
        "name": "label",
        "in": "query",
        "schema": {"$ref": "#/components/schemas/Label"}
      }
    },
    "schemas": {
      "Deadline": {
        "type": "number",
        "minimum": 0,
        "exclusiveMinimum": true,
        "maximum": 600000,
        "description": "Left out: the service's own."
      },
      "Label": {"type": "integer", "format": "int64", "minimum": 0},
      "Numbers": {
        "type": "array",
        "minItems": 1,
        "description": "Lists nested to any depth up to 8, all alike.",
        "items": {
          "oneOf": [{"type": "number"}, {"$ref": "#/components/schemas/Numbers"}]
        }
      },
      "Tensor": {
        "type": "object",
        "additionalProperties": false,
        "required": ["shape", "data"],
        "properties": {
          "shape": {
            "type": "array",
            "minItems": 1,
            "maxItems": 8,
            "items": {"type": "integer", "minimum": 1}
          },
          "data": {"type": "array", "items": {"type": "number"}}
        }
      },
      "Question": {
        "type": "object",
        "additionalProperties": false,
        "required": ["tensor"],
        "properties": {
          "tensor": {
            "oneOf": [
              {"$ref": "#/components/schemas/Numbers"},
              {"$ref": "#/components/schemas/Tensor"}
            ]
          },
          "dtype": {"type": "string", "enum": ["float32", "uint8"], "default": "float32"},
          "deadlineMs": {"$ref": "#/components/schemas/Deadline"},
          "label": {"$ref": "#/components/schemas/Label"}
        }
      },
      "Answer": {
        "type": "object",
        "required": ["service", "output", "class", "confidence", "source", "hard", "fallback",
                     "score", "version", "latencyMs"],
        "properties": {
          "service": {"type": "string"},
          "output": {"type": "array", "items": {"type": "number", "nullable": true}},
          "class": {
            "type": "integer",
            "nullable": true,
            "description": "The place of the largest output."
          },
          "confidence": {"type": "number", "nullable": true, "description": "The largest output."},
          "source": {"type": "string", "enum": ["edge", "cloud"]},
          "hard": {"type": "boolean", "description": "The filter found the example hard."},
          "fallback": {
            "type": "boolean",
            "description": "The cloud was to answer and did not in time; this is the edge's answer."
          },
          "score": {
            "type": "number",
            "nullable": true,
            "description": "What the filter said of the example."
          },
          "version": {
            "type": "integer",
            "format": "int64",
            "description": "Of the model that answered."
          },
          "latencyMs": {
            "type": "object",
            "required": ["total", "wire", "queue", "compute"],
            "properties": {
              "total": {"type": "number", "description": "All of it."},
              "wire": {"type": "number", "description": "On the way to the cloud and back."},
              "queue": {"type": "number", "description": "Waiting for the cloud's model."},
              "compute": {"type": "number", "description": "In the model that answered."}
            }
          }
        }
      },
      "Service": {
        "type": "object",
        "required": ["name"],
        "properties": {
          "name": {"type": "string"},
          "version": {"type": "integer", "format": "int64"}
        }
      },
      "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
          "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
              "code": {"type": "string", "description": "Stable."},
              "message": {"type": "string", "description": "For a person."},
              "field": {"type": "string", "description": "What of the request is at fault."}
            }
          }
        }
      }
    }
  }
})json";

// Codes by the status that they come with.
std::map<int, std::string> failures_at(bool predict) {
  std::map<int, std::string> all;
  for (const Failure& one : failures()) {
    if (!predict && !one.any_path) continue;
    std::string& text = all[one.status];
    text += fmt::format("{}`{}`: {}", text.empty() ? "" : "; ", one.code, one.meaning);
  }
  return all;
}

Json failure_answer(int status, const std::string& text) {
  Json answer{{"description", text}};
  answer["content"]["application/json"]["schema"]["$ref"] = "#/components/schemas/Error";
  if (status == 503) {
    answer["headers"]["Retry-After"] = {{"description", "Seconds."},
                                        {"schema", {{"type", "integer"}}}};
  }
  return answer;
}

std::string made() {
  Json document = Json::parse(kDocument);
  for (auto& path : document["paths"]) {
    for (auto& [method, operation] : path.items()) {
      for (const auto& [status, text] : failures_at(method == "post"))
        operation["responses"][std::to_string(status)] = failure_answer(status, text);
    }
  }
  return dump_json(document);
}

}  // namespace

const std::string& openapi() {
  static const std::string text = made();
  return text;
}

}  // namespace skerry::gateway
