# Makes a C++ source of a text file: cmake -D INPUT=page.html -D OUTPUT=page.cpp -P embed.cmake
file(READ ${INPUT} text)
file(WRITE ${OUTPUT} "#include <string_view>\n\nnamespace skerry::cli {\nextern const std::string_view kReportPage;\nconst std::string_view kReportPage = R\"skerry_page(${text})skerry_page\";\n}  // namespace skerry::cli\n")
