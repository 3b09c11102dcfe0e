"""Whose a process is, and whose an object: by the user's SID as text (`S-1-5-21-…`)."""

import ctypes
from ctypes import byref, c_void_p

from longwire.win32.api import DWORD, Api, CallFailed

_QUERY_LIMITED_INFORMATION = 0x1000
_TOKEN_QUERY = 0x0008
_TOKEN_USER = 1
# SID_AND_ATTRIBUTES and the longest SID there can be: 16 and 68 bytes.
_TOKEN_USER_BYTES = 256
_KERNEL_OBJECT = 6
_OWNER_INFORMATION = 1
# S-1-15-x and 15 numbers of ten digits each.
MAX_SID_CHARS = 190


def own_user(api: Api) -> str:
    """Of this process.

    Raises:
        CallFailed: Windows does not tell.
    """
    return _user_of_process(api, api.current_process())


def user_of(api: Api, pid: int) -> str:
    """Of the process of that number.

    Raises:
        CallFailed: Windows does not tell. Of a program with higher rights than this one it does not.
    """
    process = api.open("OpenProcess", _QUERY_LIMITED_INFORMATION, 0, pid)
    try:
        return _user_of_process(api, process)
    finally:
        api.close(process)


def owner_of(api: Api, handle: int) -> str:
    """Of the object behind a handle, which has READ_CONTROL. Nobody can give what is theirs to another.

    Raises:
        CallFailed: Windows does not tell.
    """
    owner, descriptor = c_void_p(), c_void_p()
    code = api.number(
        "GetSecurityInfo", handle, _KERNEL_OBJECT, _OWNER_INFORMATION, byref(owner), None, None, None, byref(descriptor)
    )
    if code:
        raise CallFailed("GetSecurityInfo", code)
    try:
        return _text_of(api, owner)
    finally:
        api.free(descriptor.value)


def _user_of_process(api: Api, process: int) -> str:
    token = c_void_p()
    api.call("OpenProcessToken", process, _TOKEN_QUERY, byref(token))
    try:
        answer, size = ctypes.create_string_buffer(_TOKEN_USER_BYTES), DWORD()
        api.call("GetTokenInformation", token, _TOKEN_USER, answer, _TOKEN_USER_BYTES, byref(size))
        return _text_of(api, c_void_p.from_buffer(answer))  # which begins with a pointer to the SID
    finally:
        api.close(token.value or 0)


def _text_of(api: Api, sid: c_void_p) -> str:
    text = c_void_p()
    api.call("ConvertSidToStringSidW", sid, byref(text))
    try:
        return ctypes.wstring_at(text.value or 0)
    finally:
        api.free(text.value)
